package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

// VerifyAccess returns what an access token claims, if its signature and its times are right. TOKEN_EXPIRED and
// TOKEN_INVALID are the refusals.
func (s *Service) VerifyAccess(bearer hub.Secret) (token.Claims, error) {
	return s.verify(token.Access, bearer)
}

// Authenticate says who holds the access token with the given claims, which was verified. What it claims is not believed: user,
// role and session are looked up, and a session that is not alive makes its tokens worthless. TOKEN_INVALID is the refusal.
// The actor is shared: nobody writes into it.
func (s *Service) Authenticate(ctx context.Context, claims token.Claims) (*hub.Actor, error) {
	actor, err := s.Authority.Actor(ctx, claims.SessionID)
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return nil, invalidToken()
	case err != nil:
		return nil, fmt.Errorf("read session: %w", err)
	case actor.Session.UserID != claims.UserID || !actor.Session.IsLive(&actor.User, s.Now()):
		return nil, invalidToken()
	}
	return actor, nil
}
