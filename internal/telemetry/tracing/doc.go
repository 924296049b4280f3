// Package tracing says which spans the hub makes and what stands in them: one for each request and each delivery of a mail,
// begun by a [Tracer], and below it one for each step that may take its time, begun by [Start]. How spans leave the process
// is the business of package otlp. The two are the only packages that know OpenTelemetry.
//
// A step makes a span only below a span that is kept. Without one, because traces are off or this request was not drawn,
// [Start] is one look into the context, and the steps of workers that poll leave no traces of nothing.
//
// Spans hold names that stand in our own code, such as routes, methods, engines and codes: never a path, a query, a header, an
// address, an id of ours, a statement or the text of an error, any of which may hold what a client sent. Whoever needs more
// finds the log's lines by the trace id.
package tracing
