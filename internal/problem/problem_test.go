package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/telemetry"
)

func TestFromShowsOnlyWhatIsSafe(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp db.internal:3306: CANARY")
	tests := []struct {
		name   string
		err    error
		status int
		code   hub.Code
	}{
		{"an error of ours", hub.NewError(hub.CodeTokenExpired).Because(secret), 401, hub.CodeTokenExpired},
		{"wrapped", fmt.Errorf("refresh: %w", hub.NewError(hub.CodeForbidden)), 403, hub.CodeForbidden},
		{"joined with another", errors.Join(hub.NewError(hub.CodeOverloaded), secret), 503, hub.CodeOverloaded},
		{"internal with a text", &hub.Error{Message: "CANARY", Code: hub.CodeInternalError}, 500, hub.CodeInternalError},
		{"a code that does not exist", hub.NewError("CANARY"), 500, hub.CodeInternalError},
		{"a zero error of ours", new(hub.Error), 500, hub.CodeInternalError},
		{"a stranger", secret, 500, hub.CodeInternalError},
		{"the database is away", fmt.Errorf("%w: %w", hub.ErrUnavailable, secret), 503, hub.CodeUnavailable},
		{"out of time", fmt.Errorf("read user: %w", context.DeadlineExceeded), 503, hub.CodeUnavailable},
		{"the client is gone", fmt.Errorf("read user: %w", context.Canceled), 503, hub.CodeUnavailable},
		{"too large", fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 7}), 413, hub.CodePayloadTooLarge},
		{"a sentinel that nobody handled", hub.ErrConflict, 500, hub.CodeInternalError},
		{"nil", nil, 500, hub.CodeInternalError},
	}
	for _, tt := range tests {
		d := problem.From(t.Context(), tt.err, "/x", time.Unix(0, 0))
		if d.Status != tt.status || d.Code != tt.code {
			t.Errorf("%s: %d %s, want %d %s", tt.name, d.Status, d.Code, tt.status, tt.code)
		}
		text, err := json.Marshal(d)
		if err != nil || strings.Contains(string(text), "CANARY") || d.Detail == "" {
			t.Errorf("%s: %s, %v", tt.name, text, err)
		}
	}
}

func TestStatusOfEveryCodeIsTheContracts(t *testing.T) {
	t.Parallel()
	want := map[hub.Code]int{
		"INVALID_CREDENTIALS": 401, "UNAUTHENTICATED": 401, "TOKEN_EXPIRED": 401, "TOKEN_INVALID": 401, "TOKEN_REUSED": 401,
		"TOKEN_USED": 400, "ALREADY_VERIFIED": 400, "MALFORMED_REQUEST": 400, "ACCOUNT_INACTIVE": 403, "FORBIDDEN": 403,
		"USER_NOT_FOUND": 404, "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405, "REGISTRATION_REJECTED": 409,
		"DUPLICATE_EMAIL": 409, "CONFLICT": 409, "PAYLOAD_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415,
		"VALIDATION_ERROR": 422, "RATE_LIMIT_EXCEEDED": 429, "ACCOUNT_LOCKED": 429, "INTERNAL_ERROR": 500,
		"OVERLOADED": 503, "UNAVAILABLE": 503,
	}
	got := make(map[hub.Code]int)
	for _, p := range hub.Problems() {
		got[p.Code] = problem.Status(p.Kind)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestWriteGivesTheWholeDocument(t *testing.T) {
	t.Parallel()
	ctx := hub.WithOrigin(t.Context(), hub.Origin{RequestID: "req-1"})
	ctx, facts := telemetry.WithFacts(ctx)
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/users?token=SECRET", nil)
	w := httptest.NewRecorder()
	w.Header().Set("Content-Encoding", "gzip")
	cause := errors.New("because")
	problem.Write(w, r, hub.Invalid(hub.FieldError{Location: "body.email", Message: "is missing"}).Because(cause))

	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	stamp, _ := got["timestamp"].(string)
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", stamp); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("timestamp %q: %v", stamp, err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"type": "urn:a64core:problem:validation-error", "title": "Validation error", "status": 422.0,
		"detail": "A value is missing or wrong.", "instance": "/api/v1/users", "code": "VALIDATION_ERROR", "requestId": "req-1",
		"errors": []any{map[string]any{"location": "body.email", "message": "is missing"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if w.Code != 422 || w.Header().Get("Content-Type") != "application/problem+json" ||
		w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	if facts.Code != "VALIDATION_ERROR" || !errors.Is(facts.Err, cause) {
		t.Errorf("facts %+v", facts)
	}
}

func TestHDR13_InstanceIsTheEncodedPathWithoutTheQuery(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/x?token=SECRET&a=<b>":   "/x",
		"/a%2Fb/%3Cscript%3E":     "/a%2Fb/%3Cscript%3E",
		"/caf%C3%A9/%0d%0aSet-Ck": "/caf%C3%A9/%0d%0aSet-Ck",
		"/":                       "/",
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.URL = u
		w := httptest.NewRecorder()
		problem.NotFound(w, r)
		var d problem.Document
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || d.Instance != want || w.Code != 404 {
			t.Errorf("%s: %d with instance %q, %v; want %q", target, w.Code, d.Instance, err, want)
		}
		if strings.Contains(w.Body.String(), "errors") {
			t.Errorf("empty errors are not left out: %s", w.Body)
		}
	}
}

func TestRetryAfterIsNeverTooEarly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  *hub.Error
		want string
	}{
		{hub.NewError(hub.CodeAccountLocked).After(899*time.Second + time.Nanosecond), "900"},
		{hub.NewError(hub.CodeAccountLocked).After(900 * time.Second), "900"},
		{hub.NewError(hub.CodeRateLimitExceeded).After(time.Millisecond), "1"},
		{hub.NewError(hub.CodeOverloaded), "1"},
		{hub.NewError(hub.CodeOverloaded).After(-time.Hour), "1"},
		{hub.NewError(hub.CodeForbidden).After(time.Hour), ""},
	} {
		w := httptest.NewRecorder()
		problem.Write(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), tt.err)
		if got := w.Header().Get("Retry-After"); got != tt.want {
			t.Errorf("%s after %v: %q, want %q", tt.err.Code, tt.err.RetryAfter, got, tt.want)
		}
	}
}

func TestChallengeNamesTheErrorOnlyOfATokenThatWasSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, authorization string
		code                hub.Code
		want                string
	}{
		{"no token", "", hub.CodeUnauthenticated, "Bearer"},
		{"bad token", "Bearer x", hub.CodeTokenInvalid, `Bearer error="invalid_token"`},
		{"expired token", "Bearer x", hub.CodeTokenExpired, `Bearer error="invalid_token"`},
		{"expired refresh token in the body", "", hub.CodeTokenExpired, "Bearer"},
		{"wrong password", "Bearer x", hub.CodeInvalidCredentials, "Bearer"},
		{"not a 401", "Bearer x", hub.CodeForbidden, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if tt.authorization != "" {
			r.Header.Set("Authorization", tt.authorization)
		}
		w := httptest.NewRecorder()
		problem.Write(w, r, hub.NewError(tt.code))
		if got := w.Header().Get("WWW-Authenticate"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMethodNotAllowedNamesTheMethods(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", nil)
	problem.MethodNotAllowed([]string{"GET", "HEAD"}).ServeHTTP(w, r)
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}
