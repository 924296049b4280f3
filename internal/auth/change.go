package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/profile"
)

// ChangePassword replaces the caller's password. Their other sessions end and pending links to change the account are
// void. INVALID_CREDENTIALS and ACCOUNT_LOCKED as at login: failures count against the same limit.
func (s *Service) ChangePassword(ctx context.Context, current, newPassword hub.Secret) error {
	caller, err := actor(ctx)
	if err != nil {
		return err
	}
	if wrong := profile.CheckPassword(s.Policy, "newPassword", newPassword, &caller.User); len(wrong) > 0 {
		return hub.Invalid(wrong...)
	}
	checked, err := s.checkPassword(ctx, caller.User.Email, current)
	if err != nil {
		return err
	}
	hash, err := s.Passwords.Hash(ctx, newPassword)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	_, err = s.edit(ctx, caller.User.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if err := s.stillAllowed(ctx, u, checked, caller.Session); err != nil {
			return hub.Event{}, nil, err
		}
		now := s.Now()
		u.PasswordHash = hash
		u.UpdatedAt = now
		u.EndSessions(caller.Session.ID)
		u.MailTokens.Reset, u.MailTokens.EmailChange = "", ""
		return hub.NewEvent(ctx, hub.EventPasswordChanged, u.ID, now),
			[]hub.Mail{hub.NewMail(hub.MailPasswordChanged, u.ID, u.Email, now)}, nil
	})
	return err
}

// ChangeEmail queues a mail to the new address, whose link makes the change, and a notice to the present one. The answer
// does not tell whether the new address is free. INVALID_CREDENTIALS and ACCOUNT_LOCKED as at login.
func (s *Service) ChangeEmail(ctx context.Context, current hub.Secret, newEmail string) error {
	caller, err := actor(ctx)
	if err != nil {
		return err
	}
	newEmail, err = field.Email(newEmail)
	if err != nil {
		return hub.Invalid(hub.FieldError{Location: "newEmail", Message: err.Error()})
	}
	if newEmail == caller.User.Email {
		return hub.Invalid(hub.FieldError{Location: "newEmail", Message: "is the account's address already"})
	}
	checked, err := s.checkPassword(ctx, caller.User.Email, current)
	if err != nil {
		return err
	}
	_, err = s.edit(ctx, caller.User.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if err := s.stillAllowed(ctx, u, checked, caller.Session); err != nil {
			return hub.Event{}, nil, err
		}
		now := s.Now()
		return hub.NewEvent(ctx, hub.EventEmailChangeAsked, u.ID, now), []hub.Mail{
			hub.NewMail(hub.MailEmailChange, u.ID, newEmail, now),
			hub.NewMail(hub.MailEmailChangeAsked, u.ID, u.Email, now),
		}, nil
	})
	return err
}

// stillAllowed refuses if what was checked before the hashing no longer holds for the user as stored now: the password is
// the one that was compared, and the session that asks has not ended meanwhile.
func (s *Service) stillAllowed(ctx context.Context, u *hub.User, checked hub.User, asking hub.Session) error {
	session, _, err := s.Store.SessionWithUser(ctx, asking.ID)
	if err != nil && !errors.Is(err, hub.ErrNotFound) {
		return fmt.Errorf("read session: %w", err)
	}
	if err != nil || !session.IsLive(u, s.Now()) || u.PasswordHash != checked.PasswordHash {
		return invalidToken()
	}
	return nil
}
