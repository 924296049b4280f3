package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

// Authenticate says who holds an access token. What the token claims is not believed: user, role and session are looked
// up, and a session that is not alive makes its tokens worthless. TOKEN_EXPIRED and TOKEN_INVALID are the refusals.
func (s *Service) Authenticate(ctx context.Context, bearer hub.Secret) (hub.Actor, error) {
	claims, verified := token.Verified(ctx, token.Access, bearer)
	if !verified {
		var err error
		if claims, err = s.verify(token.Access, bearer); err != nil {
			return hub.Actor{}, err
		}
	}
	session, u, err := s.Authority.SessionWithUser(ctx, claims.SessionID)
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return hub.Actor{}, invalidToken()
	case err != nil:
		return hub.Actor{}, fmt.Errorf("read session: %w", err)
	case session.UserID != claims.UserID || !session.IsLive(&u, s.Now()):
		return hub.Actor{}, invalidToken()
	}
	return hub.Actor{User: u, Session: session}, nil
}
