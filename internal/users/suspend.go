package users

import (
	"context"

	"github.com/a64core/hub"
)

// Activate lets the user id sign in again. Sessions that ended by Deactivate stay ended. FORBIDDEN, USER_NOT_FOUND.
func (s *Service) Activate(ctx context.Context, id string) (hub.User, error) {
	return s.edit(ctx, id, hub.ActionSuspend, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if u.IsActive {
			return hub.Event{}, nil, hub.ErrUnchanged
		}
		u.IsActive = true
		u.UpdatedAt = s.Now()
		return hub.NewEvent(ctx, hub.EventUserActivated, u.ID, u.UpdatedAt), nil, nil
	})
}

// Deactivate keeps the user id from signing in and ends their sessions and mail tokens. FORBIDDEN, USER_NOT_FOUND,
// CONFLICT for the last super_admin.
func (s *Service) Deactivate(ctx context.Context, id string) (hub.User, error) {
	return s.edit(ctx, id, hub.ActionSuspend, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if !u.IsActive {
			return hub.Event{}, nil, hub.ErrUnchanged
		}
		u.IsActive = false
		u.EndSessions("")
		u.VoidMailTokens()
		u.UpdatedAt = s.Now()
		return hub.NewEvent(ctx, hub.EventUserDeactivated, u.ID, u.UpdatedAt), nil, nil
	})
}
