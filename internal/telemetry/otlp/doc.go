// Package otlp sends spans to a collector, by OTLP over HTTP. It owns OpenTelemetry's SDK: which traces are kept, how many spans
// may wait, and what the log says when they do not arrive. What stands in them is the business of package tracing.
//
// No request ever waits for a collector. Spans that it does not take in time are dropped and counted; see [Exporter].
//
// The SDK would read two dozen variables named OTEL_ by itself. Each of them is overruled here, so that the hub's settings,
// four of which have such names, are all there is. Nothing global of the SDK is set.
package otlp
