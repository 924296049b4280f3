package auth

import (
	"context"
	"errors"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/password"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/token"
)

// Store is what the use cases need of a store.
type Store interface {
	hub.UserStore
	hub.SessionStore
	hub.MailTokenStore
	hub.MailStore
	hub.EventStore
}

// Authority answers who a session belongs to. It may remember an answer for a second at most.
type Authority interface {
	Actor(ctx context.Context, sessionID string) (*hub.Actor, error) // shared, to be read only
}

// Service does the use cases. All fields are required.
type Service struct {
	Store     Store
	Authority Authority
	Tokens    *token.Issuer
	Passwords *password.Hasher
	Policy    *password.Policy
	Lockouts  *ratelimit.Guard
	Rules     Rules
	Now       func() time.Time
}

// Rules are the settings that the use cases follow.
type Rules struct {
	AccessTTL       time.Duration
	RefreshTTL      time.Duration // idle limit of a session
	SessionMaxAge   time.Duration // absolute limit of a session; 0: none
	RefreshGrace    time.Duration // how long a spent refresh token still gives its successor; 0: not at all
	VerificationTTL time.Duration
	ResetTTL        time.Duration
	MaxSessions     int  // of one user; the oldest end; 0: no limit
	MailLimit       int  // mails an hour for one account that somebody can ask for; 0: no limit
	Conceal         bool // answer the registration of a taken address like any other
}

// invalidToken is the one answer to a token that is no good, whatever the reason.
func invalidToken() *hub.Error { return hub.NewError(hub.CodeTokenInvalid) }

// verify checks a token's form and purpose and maps the outcome to an answer.
func (s *Service) verify(kind token.Kind, t hub.Secret) (token.Claims, error) {
	claims, err := s.Tokens.Verify(kind, t.Reveal(), s.Now())
	switch {
	case err == nil:
		return claims, nil
	case errors.Is(err, token.ErrExpired):
		return token.Claims{}, hub.NewError(hub.CodeTokenExpired)
	default:
		return token.Claims{}, invalidToken()
	}
}

// edit changes a user as hub.EditUser does. A user who is gone by now has no valid token either.
func (s *Service) edit(ctx context.Context, id string, change func(*hub.User) (hub.Event, []hub.Mail, error)) (hub.User, error) {
	u, err := hub.EditUser(ctx, s.Store, id, change)
	if errors.Is(err, hub.ErrNotFound) {
		return hub.User{}, invalidToken()
	}
	return u, err
}

// actor returns who asks. The operations that call it are open to signed-in users only.
func actor(ctx context.Context) (hub.Actor, error) {
	a, ok := hub.ActorFrom(ctx)
	if !ok {
		return hub.Actor{}, hub.NewError(hub.CodeUnauthenticated)
	}
	return a, nil
}
