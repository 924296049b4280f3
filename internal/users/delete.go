package users

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

// Delete deletes the user id softly: nobody sees or uses the account, its address stays taken, and for
// Rules.DeletedPurge it can be restored. Sessions and mail tokens end for good. FORBIDDEN, USER_NOT_FOUND, CONFLICT for
// the last super_admin.
func (s *Service) Delete(ctx context.Context, id string) error {
	_, err := s.edit(ctx, id, hub.ActionDelete, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		now := s.Now()
		u.DeletedAt, u.UpdatedAt = now, now
		u.EndSessions("")
		u.VoidMailTokens()
		return hub.NewEvent(ctx, hub.EventUserDeleted, u.ID, now), nil, nil
	})
	return err
}

// Restore brings a softly deleted user back as it was, without its sessions. USER_NOT_FOUND also if the user is not
// deleted, or was for too long.
func (s *Service) Restore(ctx context.Context, id string) (hub.User, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.User{}, err
	}
	return s.edit(ctx, id, hub.ActionRestore, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		now := s.Now()
		if keep := s.Rules.DeletedPurge; keep > 0 && now.Sub(u.DeletedAt) >= keep {
			return hub.Event{}, nil, absent(asking)
		}
		u.DeletedAt = time.Time{}
		u.UpdatedAt = now
		return hub.NewEvent(ctx, hub.EventUserRestored, u.ID, now), nil, nil
	})
}
