package problem_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
)

var update = flag.Bool("update", false, "write docs/errors.md")

const pagePath = "../../docs/errors.md"

// TestErrorsPageIsCurrent holds the documentation's list of errors to the code's.
func TestErrorsPageIsCurrent(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# Errors

Every answer that is no success is an RFC 9457 problem, ` + "`application/problem+json`" + `:
` + "```json" + `
{
  "type": "urn:a64core:problem:validation-error",
  "title": "Validation error",
  "status": 422,
  "detail": "A value is missing or wrong.",
  "instance": "/api/v1/auth/register",
  "code": "VALIDATION_ERROR",
  "requestId": "0198c0de-7a11-7c0d-8b1e-0123456789ab",
  "timestamp": "2026-01-02T03:04:05.678Z",
  "errors": [{"location": "body.email", "message": "is required"}]
}
` + "```" + `
Programs look at ` + "`code`" + `: codes are stable, more may be added. ` + "`detail`" + ` is for people. No error repeats a value that was sent.
429 and 503 carry ` + "`Retry-After`" + ` in seconds, 401 carries ` + "`WWW-Authenticate: Bearer`" + `, 405 carries ` + "`Allow`" + `. ` + "`requestId`" + ` is in the
answer's ` + "`X-Request-Id`" + ` and in the log. Which operation can answer which code stands in [the OpenAPI document](openapi.yaml).

| status | code | meaning |
|---|---|---|
`)
	for _, p := range hub.Problems() {
		d := problem.From(t.Context(), hub.NewError(p.Code), "/", time.Time{})
		fmt.Fprintf(&b, "| %d | `%s` | %s |\n", d.Status, d.Code, d.Detail)
	}
	if *update {
		if err := os.WriteFile(pagePath, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Error("docs/errors.md is not current: run make generate")
	}
}
