// Package otlp sends spans to a collector, by OTLP over HTTP. It owns OpenTelemetry's SDK: which traces are kept, how many spans
// may wait, and what the log says when they do not arrive. What stands in them is the business of package tracing.
//
// No request ever waits for a collector. Spans that it does not take in time are dropped and counted; see [Exporter].
//
// The SDK would read two dozen variables named OTEL_ by itself. All but one are overruled here, so that the hub's settings, four of
// which have such names, decide. The one is OTEL_RESOURCE_ATTRIBUTES, which adds to what is said of the service, and which the
// SDK lets nobody overrule. Nothing global of the SDK is set.
package otlp
