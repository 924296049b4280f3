package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/profile"
)

// Register makes an account of the role user and queues the mail that verifies its address. A taken address is
// REGISTRATION_REJECTED, or, with Rules.Conceal, answered like any other while its owner gets a notice. Both outcomes
// cost one hash. VALIDATION_ERROR names every bad field.
func (s *Service) Register(ctx context.Context, p profile.Profile, pw hub.Secret) (hub.User, error) {
	now := s.Now()
	u, err := p.NewUser(s.Policy, pw, now)
	if err != nil {
		return hub.User{}, err
	}
	hash, err := s.Passwords.Hash(ctx, pw)
	if err != nil {
		return hub.User{}, fmt.Errorf("hash password: %w", err)
	}
	u.PasswordHash = hash

	err = s.Store.AddUser(ctx, u,
		hub.NewEvent(ctx, hub.EventUserRegistered, u.ID, now),
		hub.NewMail(hub.MailVerification, u.ID, u.Email, now))
	if errors.Is(err, hub.ErrDuplicateEmail) {
		return s.refuseRegistration(ctx, u)
	}
	if err != nil {
		return hub.User{}, fmt.Errorf("add user: %w", err)
	}
	return u, nil
}

func (s *Service) refuseRegistration(ctx context.Context, u hub.User) (hub.User, error) {
	e := hub.NewEvent(ctx, hub.EventRegistrationTaken, "", s.Now())
	e.EmailKey = hub.LockoutKey(u.Email)
	if !s.Rules.Conceal {
		if err := s.Store.AddEvent(ctx, e); err != nil {
			return hub.User{}, fmt.Errorf("record refusal: %w", err)
		}
		return hub.User{}, hub.NewError(hub.CodeRegistrationRejected)
	}
	if err := s.Store.AddMail(ctx, hub.NewMail(hub.MailEmailTaken, "", u.Email, s.Now()), e); err != nil {
		return hub.User{}, fmt.Errorf("queue notice: %w", err)
	}
	return u, nil
}
