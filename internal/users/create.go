package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/profile"
)

// New is an account that an admin makes for somebody.
type New struct {
	profile.Profile
	Password        hub.Secret
	Role            hub.Role // zero: user
	IsEmailVerified bool     // otherwise a mail asks for it
}

// Create makes an account. FORBIDDEN if the actor may not assign the role, DUPLICATE_EMAIL, VALIDATION_ERROR.
func (s *Service) Create(ctx context.Context, n New) (hub.User, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.User{}, err
	}
	if n.Role == 0 {
		n.Role = hub.RoleUser
	}
	if !asking.Role.MayAssign(n.Role) {
		return hub.User{}, hub.NewError(hub.CodeForbidden)
	}
	now := s.Now()
	u, err := n.NewUser(s.Policy, n.Password, now)
	if err != nil {
		return hub.User{}, err
	}
	u.Role, u.IsEmailVerified = n.Role, n.IsEmailVerified
	if u.PasswordHash, err = s.Passwords.Hash(ctx, n.Password); err != nil {
		return hub.User{}, fmt.Errorf("hash password: %w", err)
	}
	var mails []hub.Mail
	if !u.IsEmailVerified {
		mails = append(mails, hub.NewMail(hub.MailVerification, u.ID, u.Email, now))
	}
	err = s.Store.AddUser(ctx, u, hub.NewEvent(ctx, hub.EventUserCreated, u.ID, now).With("role", u.Role.String()), mails...)
	if errors.Is(err, hub.ErrDuplicateEmail) {
		return hub.User{}, hub.NewError(hub.CodeDuplicateEmail)
	}
	if err != nil {
		return hub.User{}, fmt.Errorf("add user: %w", err)
	}
	return u, nil
}
