package users

import (
	"context"

	"github.com/a64core/hub"
)

// Sessions returns the sessions of the user id that may be used, newest first. FORBIDDEN, USER_NOT_FOUND.
func (s *Service) Sessions(ctx context.Context, id string) ([]hub.Session, error) {
	u, err := s.read(ctx, id, hub.ActionManageSessions)
	if err != nil {
		return nil, err
	}
	return hub.LiveSessions(ctx, s.Store, u, s.Now())
}

// EndSessions ends all sessions of the user id. FORBIDDEN, USER_NOT_FOUND.
func (s *Service) EndSessions(ctx context.Context, id string) error {
	_, err := s.edit(ctx, id, hub.ActionManageSessions, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		u.EndSessions("")
		return hub.NewEvent(ctx, hub.EventSessionsEnded, u.ID, s.Now()).With("reason", "admin"), nil, nil
	})
	return err
}
