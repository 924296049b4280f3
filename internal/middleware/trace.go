package middleware

import (
	"context"
	"net/http"

	"github.com/a64core/hub/internal/telemetry"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// trace begins the span of a request, if traces are on. Whoever is trusted with the address of a client is trusted with its
// trace as well.
func trace(o Options, w http.ResponseWriter, r *http.Request) (ctx context.Context, end func(status int, facts *telemetry.Facts)) {
	if o.Tracer == nil {
		return r.Context(), func(int, *telemetry.Facts) {}
	}
	peer, ok := parseHop(r.RemoteAddr)
	ctx, span := o.Tracer.Request(r, ok && isTrusted(peer, o.TrustedProxies))
	if response := span.Response(); response != "" {
		w.Header()["Traceresponse"] = []string{response}
	}
	return ctx, func(status int, facts *telemetry.Facts) {
		span.End(tracing.Answer{
			Method: r.Method, Route: facts.Route, Status: status, Code: facts.Code, Failed: isFailure(status, facts),
		})
	}
}
