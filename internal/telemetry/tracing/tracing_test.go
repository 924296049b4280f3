package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/a64core/hub"
)

// TestAStepWithoutATraceAllocatesNothing is not parallel, because allocations are counted for all.
func TestAStepWithoutATraceAllocatesNothing(t *testing.T) {
	notKept := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	db := &database{engine: "sqlite"}
	for name, ctx := range map[string]context.Context{"off": t.Context(), "not kept": notKept} {
		n := testing.AllocsPerRun(100, func() {
			var err error
			_, span := Start(ctx, "step")
			span.Note("moment")
			span.End(&err)
			_, span = db.start(ctx, "UserByID")
			span.End(&err)
		})
		if n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestErrorsBecomeOneOfFewNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err     error
		want    string
		isFault bool
	}{
		{nil, "", false},
		{fmt.Errorf("a@example.com: %w", hub.ErrNotFound), "not_found", false},
		{hub.ErrConflict, "conflict", false},
		{fmt.Errorf("dial: %w", hub.ErrUnavailable), "unavailable", true},
		{context.DeadlineExceeded, "timeout", true},
		{context.Canceled, "canceled", false},
		{hub.NewError(hub.CodeOverloaded), "OVERLOADED", true},
		{hub.NewError(hub.CodeInvalidCredentials), "INVALID_CREDENTIALS", false},
		{errors.New("Duplicate entry 'a@example.com'"), "_OTHER", true},
	} {
		if got, isFault := classify(tt.err); got != tt.want || isFault != tt.isFault {
			t.Errorf("classify(%v) = %q, %v, want %q, %v", tt.err, got, isFault, tt.want, tt.isFault)
		}
	}
}

func TestOnlyAWellFormedTraceparentNamesACaller(t *testing.T) {
	t.Parallel()
	const right = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tracer := New(noop.NewTracerProvider())
	for _, tt := range []struct {
		headers []string
		called  bool
	}{
		{nil, false},
		{[]string{right}, true},
		{[]string{right, right}, false}, // section 3.2: one
		{[]string{""}, false},
		{[]string{right[:54]}, false},
		{[]string{right + "-x"}, false},
		{[]string{"ff" + right[2:]}, false},
		{[]string{"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}, false},
		{[]string{"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"}, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.Header["Traceparent"] = tt.headers
		_, request := tracer.Request(r, true)
		if (request.Response() != "") != tt.called {
			t.Errorf("%q: traceresponse %q", tt.headers, request.Response())
		}
	}
}
