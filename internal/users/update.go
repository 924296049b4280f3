package users

import (
	"context"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/profile"
)

// Patch changes some values of a user; see [profile.Patch].
type Patch = profile.Patch

// Update changes the profile of the user id. Metadata is for admins. FORBIDDEN, USER_NOT_FOUND, VALIDATION_ERROR.
func (s *Service) Update(ctx context.Context, id string, p Patch) (hub.User, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.User{}, err
	}
	if p.Metadata != nil && asking.Role < hub.RoleAdmin {
		return hub.User{}, hub.NewError(hub.CodeForbidden)
	}
	return s.edit(ctx, id, hub.ActionEdit, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if p == (Patch{}) {
			return hub.Event{}, nil, hub.ErrUnchanged
		}
		if wrong := p.Apply(u); len(wrong) > 0 {
			return hub.Event{}, nil, hub.Invalid(wrong...)
		}
		u.UpdatedAt = s.Now()
		return hub.NewEvent(ctx, hub.EventUserUpdated, u.ID, u.UpdatedAt), nil, nil
	})
}

// SetPassword gives the user id a new password without asking for the old one. It is for operators: no route leads
// here. Sessions and mail tokens of the user end, and the owner gets a notice.
func (s *Service) SetPassword(ctx context.Context, id string, pw hub.Secret) (hub.User, error) {
	u, err := s.read(ctx, id, hub.ActionEdit)
	if err != nil {
		return hub.User{}, err
	}
	if wrong := profile.CheckPassword(s.Policy, "password", pw, &u); len(wrong) > 0 {
		return hub.User{}, hub.Invalid(wrong...)
	}
	hash, err := s.Passwords.Hash(ctx, pw)
	if err != nil {
		return hub.User{}, fmt.Errorf("hash password: %w", err)
	}
	return s.edit(ctx, id, hub.ActionEdit, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		now := s.Now()
		u.PasswordHash = hash
		u.UpdatedAt = now
		u.EndSessions("")
		u.VoidMailTokens()
		return hub.NewEvent(ctx, hub.EventPasswordChanged, u.ID, now),
			[]hub.Mail{hub.NewMail(hub.MailPasswordChanged, u.ID, u.Email, now)}, nil
	})
}
