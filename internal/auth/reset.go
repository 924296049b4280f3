package auth

import (
	"context"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/profile"
)

// RequestPasswordReset queues the request. Whether anybody has the address is looked up when the mail is sent, so that
// the answer tells nothing, not even by its time.
func (s *Service) RequestPasswordReset(ctx context.Context, email string) error {
	email, err := field.Email(email)
	if err != nil {
		return hub.Invalid(hub.FieldError{Location: "email", Message: err.Error()})
	}
	now := s.Now()
	e := hub.NewEvent(ctx, hub.EventResetAsked, "", now)
	e.EmailKey = hub.LockoutKey(email)
	if err := s.Store.AddMail(ctx, hub.NewMail(hub.MailReset, "", email, now), e); err != nil {
		return fmt.Errorf("queue reset mail: %w", err)
	}
	return nil
}

// ResetPassword spends a reset token for a new password. All sessions and all other mail tokens of the user end, the
// login lock opens, and the owner gets a notice; nobody is logged in. A password that the policy refuses leaves the
// token as it was. Errors are those of mailToken.
func (s *Service) ResetPassword(ctx context.Context, t, newPassword hub.Secret) error {
	_, u, err := s.mailToken(ctx, t, hub.PurposeReset)
	if err != nil {
		return err
	}
	if wrong := profile.CheckPassword(s.Policy, "newPassword", newPassword, &u); len(wrong) > 0 {
		return hub.Invalid(wrong...)
	}
	hash, err := s.Passwords.Hash(ctx, newPassword)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	// Before the change: only the owner gets here, and should the process die in between nothing but the lock is gone.
	if err := s.Lockouts.Clear(ctx, u.Email); err != nil {
		return fmt.Errorf("clear lockout: %w", err)
	}
	_, err = s.spend(ctx, t, []hub.MailTokenPurpose{hub.PurposeReset}, func(u *hub.User, _ hub.MailToken) (hub.Event, []hub.Mail) {
		u.PasswordHash = hash
		u.EndSessions("")
		u.VoidMailTokens()
		return hub.NewEvent(ctx, hub.EventPasswordReset, u.ID, u.UpdatedAt),
			[]hub.Mail{hub.NewMail(hub.MailPasswordChanged, u.ID, u.Email, u.UpdatedAt)}
	})
	return err
}
