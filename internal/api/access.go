package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry"
	"github.com/a64core/hub/internal/token"
)

// Access says who may call an operation. What one may do to a certain account is decided by the use case besides
// (see [hub.Role.May]); Access is decided before the body is read.
type Access uint8

// The kinds of access. The zero value says nothing: an operation that has it is a mistake, and the hub does not start.
const (
	unsetAccess Access = iota
	Public             // anybody; a token is not looked at
	SignedIn           // any role
	// NotGuest is every role but guest. Who has that role reads the own account, refreshes and logs out, and no more:
	// asking for another verification mail, too, is refused.
	NotGuest
	Moderators // moderator and above
	Admins     // admin and above
)

// Least returns the lowest role that may call, or zero if nobody needs to be signed in.
func (a Access) Least() hub.Role {
	switch a {
	case SignedIn:
		return hub.RoleGuest
	case NotGuest:
		return hub.RoleUser
	case Moderators:
		return hub.RoleModerator
	case Admins:
		return hub.RoleAdmin
	}
	return 0
}

// String returns the lowest role that may call, "public" if nobody needs to be signed in, or "unset".
func (a Access) String() string {
	switch {
	case a == Public:
		return "public"
	case a.Least() == 0:
		return "unset"
	}
	return a.Least().String()
}

// admit says who calls and refuses whoever may not: the context it returns carries the actor.
func (a *API) admit(r *http.Request, access Access) (context.Context, error) {
	ctx := r.Context()
	if access == Public {
		return ctx, nil
	}
	claims, ok := token.Presented(ctx, token.Access)
	if !ok {
		bearer, ok := Bearer(r.Header)
		if !ok {
			return ctx, hub.NewError(hub.CodeUnauthenticated)
		}
		var err error
		if claims, err = a.Auth.VerifyAccess(bearer); err != nil {
			return ctx, err
		}
	}
	actor, err := a.Auth.Authenticate(ctx, claims)
	if err != nil {
		return ctx, err
	}
	telemetry.FactsFrom(ctx).UserID = actor.User.ID
	ctx = hub.WithActor(ctx, actor)
	if access == unsetAccess || actor.User.Role < access.Least() {
		return ctx, hub.NewError(hub.CodeForbidden)
	}
	return ctx, nil
}

// maxTokenBytes is far above the length of any token of ours.
const maxTokenBytes = 8 << 10

// Bearer returns the token of a request: from exactly one Authorization header whose scheme is "Bearer" in any case,
// followed by one space and a token (RFC 6750 section 2.1, RFC 9110 section 11.4). A token anywhere else does not count
// (OWASP ASVS 14.2.1).
func Bearer(h http.Header) (hub.Secret, bool) {
	lines := h["Authorization"]
	if len(lines) != 1 {
		return hub.Secret{}, false
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxTokenBytes {
		return hub.Secret{}, false
	}
	for i := range len(token) {
		if !isToken68(token[i]) {
			return hub.Secret{}, false
		}
	}
	return hub.NewSecret(token), true
}

// isToken68 reports whether c may occur in a token68 (RFC 9110 section 11.2). Every byte of every token is looked at: hence
// the set as bits.
func isToken68(c byte) bool {
	const (
		digits  = 1<<10 - 1
		letters = 1<<26 - 1
		low     = digits<<'0' | 1<<'-' | 1<<'.' | 1<<'+' | 1<<'/' | 1<<'='
		high    = letters<<('A'-64) | letters<<('a'-64) | 1<<('_'-64) | 1<<('~'-64)
	)
	return c < 128 && [2]uint64{low, high}[c>>6]>>(c&63)&1 == 1
}
