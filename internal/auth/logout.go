package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

// Logout ends the session that the refresh token belongs to, or, without a token, all of the caller's sessions. The
// access tokens of what it ends are dead when it returns. A token that is garbage or somebody else's does nothing
// (RFC 7009, section 2.2).
func (s *Service) Logout(ctx context.Context, refresh *hub.Secret) error {
	caller, err := actor(ctx)
	if err != nil {
		return err
	}
	if refresh == nil {
		return s.endAll(ctx, caller.User.ID)
	}
	claims, err := s.Tokens.Verify(token.Refresh, refresh.Reveal(), s.Now())
	if isOwn := err == nil && claims.UserID == caller.User.ID; !isOwn {
		return nil
	}
	return s.endSession(ctx, claims.SessionID, "logout")
}

func (s *Service) endAll(ctx context.Context, userID string) error {
	_, err := s.edit(ctx, userID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		u.EndSessions("")
		return hub.NewEvent(ctx, hub.EventSessionsEnded, u.ID, s.Now()).With("reason", "logout"), nil, nil
	})
	return err
}

// Sessions returns the caller's sessions that may be used, newest first.
func (s *Service) Sessions(ctx context.Context) ([]hub.Session, error) {
	caller, err := actor(ctx)
	if err != nil {
		return nil, err
	}
	return hub.LiveSessions(ctx, s.Store, caller.User, s.Now())
}

// EndSession ends one of the caller's sessions. NOT_FOUND if it is not theirs or has ended.
func (s *Service) EndSession(ctx context.Context, sessionID string) error {
	caller, err := actor(ctx)
	if err != nil {
		return err
	}
	session, u, err := s.Store.SessionWithUser(ctx, sessionID)
	switch {
	case errors.Is(err, hub.ErrNotFound):
		return hub.NewError(hub.CodeNotFound)
	case err != nil:
		return fmt.Errorf("read session: %w", err)
	case session.UserID != caller.User.ID || !session.IsLive(&u, s.Now()):
		return hub.NewError(hub.CodeNotFound)
	}
	return s.endSession(ctx, sessionID, "ended by the user")
}
