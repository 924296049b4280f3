package telemetry

import "context"

// Facts is what the layers learn about a request for its one log line. Whoever learns a fact writes it; the middleware that
// began the request reads them all after the answer. A request is served by one goroutine, so nothing guards them.
type Facts struct {
	Route  string // the pattern that matched, such as "/api/v1/users/{userId}"
	UserID string // who asked, from a token whose signature was checked
	Code   string // of the problem that was answered
	Err    error  // its cause, which the answer does not show
}

type factsKey struct{}

// WithFacts returns a context that carries new, empty facts.
func WithFacts(ctx context.Context) (context.Context, *Facts) {
	f := new(Facts)
	return context.WithValue(ctx, factsKey{}, f), f
}

// FactsFrom returns the facts that ctx carries. It is never nil: facts of a context that carries none go nowhere.
func FactsFrom(ctx context.Context) *Facts {
	if f, ok := ctx.Value(factsKey{}).(*Facts); ok {
		return f
	}
	return new(Facts)
}
