package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Tracer begins traces. It is safe for concurrent use.
type Tracer struct {
	tracer  trace.Tracer
	request []trace.SpanStartOption // of every request
	work    []trace.SpanStartOption // of what no request waits for
}

// New returns a Tracer whose spans go to the provider, which also decides which traces are kept.
func New(p trace.TracerProvider) *Tracer {
	return &Tracer{
		tracer:  p.Tracer(scope),
		request: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)},
		work:    []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithNewRoot()},
	}
}

// Work begins a trace of work that no request waits for.
func (t *Tracer) Work(ctx context.Context, name string) (context.Context, Span) {
	ctx, span := t.tracer.Start(ctx, name, t.work...)
	return ctx, Span{span}
}

// Request begins the span of a request. Of whoever is trusted, the trace is continued that its traceparent names (W3C Trace
// Context), kept if and only if they keep it. Anybody else could so have every request of theirs kept, or mix theirs into the
// traces of others (section 6 of the recommendation): they get a trace of their own, with a link to what they named.
func (t *Tracer) Request(r *http.Request, trusted bool) (context.Context, Request) {
	ctx, o := r.Context(), t.request
	caller, called := callerOf(r)
	switch {
	case called && trusted:
		ctx = trace.ContextWithRemoteSpanContext(ctx, caller)
	case called:
		link := trace.Link{SpanContext: caller.WithTraceState(trace.TraceState{})} // which would be room for texts
		o = append(o[:len(o):len(o)], trace.WithLinks(link))
	}
	ctx, span := t.tracer.Start(ctx, "HTTP", o...)
	return ctx, Request{span: span, called: called}
}

// callerOf returns the span that a request's traceparent names, if it does.
func callerOf(r *http.Request) (trace.SpanContext, bool) {
	if len(r.Header["Traceparent"]) != 1 {
		return trace.SpanContext{}, false
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	caller := trace.SpanContextFromContext(ctx)
	return caller, caller.IsValid()
}

// Request is the span of a request that is being answered.
type Request struct {
	span   trace.Span
	called bool // by somebody who sent a traceparent
}

// Response returns the value of the header traceresponse, by which whoever sent a traceparent learns which span answered
// them, or nothing for anybody else (W3C Trace Context Level 3, a draft).
func (r Request) Response() string {
	if !r.called {
		return ""
	}
	c := r.span.SpanContext()
	return "00-" + c.TraceID().String() + "-" + c.SpanID().String() + "-" + c.TraceFlags().String()
}

// Answer is what became of a request.
type Answer struct {
	Method string
	Route  string // its pattern, or empty if none matched
	Status int
	Code   string // of the problem that was answered, if one was
	Failed bool   // it is a fault of ours
}

// End ends the span. It is named by method and route, as the semantic conventions want it.
func (r Request) End(a Answer) {
	defer r.span.End()
	if !r.span.IsRecording() {
		return
	}
	method, name := knownMethod(a.Method)
	attributes := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(method), semconv.HTTPResponseStatusCode(a.Status),
	}
	if a.Route != "" {
		name += " " + a.Route
		attributes = append(attributes, semconv.HTTPRoute(a.Route))
	}
	if a.Code != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(a.Code))
	}
	r.span.SetName(name)
	r.span.SetAttributes(attributes...)
	if a.Failed {
		r.span.SetStatus(codes.Error, "")
	}
}

// knownMethod returns a method and what a span of it is called. Clients may choose methods freely: those that have no
// meaning here are one value, by the names of the semantic conventions.
func knownMethod(method string) (known, name string) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodPut:
		return method, method
	}
	return "_OTHER", "HTTP"
}
