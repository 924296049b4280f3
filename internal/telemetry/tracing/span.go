package tracing

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope names who makes the spans.
const scope = "github.com/a64core/hub"

// Span is a step that is being taken. The zero Span is one that nobody keeps.
type Span struct{ span trace.Span }

// Start begins a span below the one that ctx carries, if that is kept.
func Start(ctx context.Context, name string, o ...trace.SpanStartOption) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name, o...)
	return ctx, Span{span}
}

// Note adds a moment to the span.
func (s Span) Note(event string) {
	if s.span != nil {
		s.span.AddEvent(event)
	}
}

// End ends the span with the error that err points to by then, so that it can be deferred. The span fails only if the error
// is a fault: to find nothing, or a newer version, is an answer.
func (s Span) End(err *error) {
	if s.span == nil {
		return
	}
	if name, isFault := classify(*err); name != "" {
		s.span.SetAttributes(semconv.ErrorTypeKey.String(name))
		if isFault {
			s.span.SetStatus(codes.Error, "")
		}
	}
	s.span.End()
}

// ID returns the id of the trace that ctx belongs to, kept or not, or nothing if traces are off.
func ID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}
