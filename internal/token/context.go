package token

import "context"

type presentedKey struct{}

// WithPresented returns a context of a request that remembers what Verify returned for the request's token, so that it is
// verified once.
func WithPresented(ctx context.Context, c Claims) context.Context {
	return context.WithValue(ctx, presentedKey{}, &c)
}

// Presented returns the claims of the token that came with the request, if it was verified and is of kind.
func Presented(ctx context.Context, kind Kind) (Claims, bool) {
	c, ok := ctx.Value(presentedKey{}).(*Claims)
	if !ok || c.Kind != kind {
		return Claims{}, false
	}
	return *c, true
}
