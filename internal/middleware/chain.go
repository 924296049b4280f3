package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// Options is what the middleware needs to know. Identify, Limiter, Limits, Log and Now are required.
type Options struct {
	TrustedProxies []netip.Prefix
	AllowedOrigins []string      // as browsers write them; "*" alone allows all, without credentials
	TLS            bool          // clients reach the hub by https
	Timeout        time.Duration // of the work on a request; 0: none

	// Remember returns a context with what a request's headers say to Identify and to the operations. Nil: nothing.
	Remember func(context.Context, http.Header) context.Context
	// Identify returns the user and the role that a request's token names. Nothing but its signature and times were checked:
	// it decides which limit applies, never what one may do.
	Identify func(*http.Request) (userID string, role hub.Role, ok bool)
	Limiter  ratelimit.Limiter
	// GuestLimiter counts guests. With one of its own, strangers from very many addresses cannot fill the memory that the
	// windows of signed-in users need, nor push users into shared ones. Nil: Limiter counts guests too.
	GuestLimiter ratelimit.Limiter
	Limits       map[hub.Role]int // requests a minute
	Log          *slog.Logger
	Meter        Meter           // nil: nobody counts
	Tracer       *tracing.Tracer // nil: requests leave no traces
	Now          func() time.Time
}

// Meter counts requests.
type Meter interface {
	Began()
	Answered(method, route string, status int, took time.Duration) // route is a pattern, or empty if none matched
	Limited(role hub.Role)                                         // a request was refused by the limit for a role
}

// Chain puts the middleware in front of next.
func Chain(o Options, next http.Handler) http.Handler {
	for _, wrap := range []func(http.Handler) http.Handler{ // from the inside out
		limit(o),       // before the body is read; behind CORS, so that a refusal can be read by the page that asked
		crossOrigin(o), // answers preflights, which carry no token and must cost nothing
		methods,        // TRACE and the like go nowhere
		recoverer(o),   // inside the log, so that the line tells of the 500
		headers(o.TLS), // on whatever is answered further in
		begin(o),       // the request's context, name, span and line
	} {
		next = wrap(next)
	}
	return next
}

// prefix is where the versioned operations are.
const prefix = "/api/v1"
