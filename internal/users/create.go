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
	Email           string
	Password        hub.Secret
	FirstName       string
	LastName        string
	Phone           string
	Avatar          string
	Timezone        string
	Locale          string
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
	u := hub.User{
		ID: hub.NewID(), Role: n.Role, IsActive: true, IsEmailVerified: n.IsEmailVerified,
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	p := profile.Profile{
		Email: n.Email, FirstName: n.FirstName, LastName: n.LastName,
		Phone: n.Phone, Avatar: n.Avatar, Timezone: n.Timezone, Locale: n.Locale,
	}
	wrong := p.Apply(&u)
	wrong = append(wrong, profile.CheckPassword(s.Policy, "password", n.Password, &u)...)
	if len(wrong) > 0 {
		return hub.User{}, hub.Invalid(wrong...)
	}
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
