package token

import (
	"context"

	"github.com/a64core/hub"
)

type verifiedKey struct{}

type verified struct {
	token  hub.Secret
	claims Claims
}

// WithVerified returns a context that remembers what Verify returned for t, so that a request verifies its token once.
func WithVerified(ctx context.Context, t hub.Secret, c Claims) context.Context {
	return context.WithValue(ctx, verifiedKey{}, &verified{t, c})
}

// Verified returns the claims that ctx remembers, if they are of kind and of exactly the token t.
func Verified(ctx context.Context, kind Kind, t hub.Secret) (Claims, bool) {
	c, ok := Presented(ctx, kind)
	if v, _ := ctx.Value(verifiedKey{}).(*verified); !ok || v.token != t {
		return Claims{}, false
	}
	return c, true
}

// Presented returns the claims of the token that came with the request, if it was verified and is of kind.
func Presented(ctx context.Context, kind Kind) (Claims, bool) {
	v, ok := ctx.Value(verifiedKey{}).(*verified)
	if !ok || v.claims.Kind != kind {
		return Claims{}, false
	}
	return v.claims, true
}
