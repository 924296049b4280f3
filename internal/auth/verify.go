package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
)

// SendVerification queues another mail that verifies the caller's address. ALREADY_VERIFIED.
func (s *Service) SendVerification(ctx context.Context) error {
	caller, err := actor(ctx)
	if err != nil {
		return err
	}
	u := caller.User
	if u.IsEmailVerified {
		return hub.NewError(hub.CodeAlreadyVerified)
	}
	now := s.Now()
	err = s.Store.AddMail(ctx, hub.NewMail(hub.MailVerification, u.ID, u.Email, now),
		hub.NewEvent(ctx, hub.EventVerificationAsked, u.ID, now))
	if err != nil {
		return fmt.Errorf("queue verification mail: %w", err)
	}
	return nil
}

// VerifyEmail spends a token sent to an address: the address of the account is verified, or, if the token is for a new
// address, becomes the account's. It logs nobody in. CONFLICT if the new address was taken meanwhile; otherwise errors
// are those of mailToken.
func (s *Service) VerifyEmail(ctx context.Context, t hub.Secret) (hub.User, error) {
	purposes := []hub.MailTokenPurpose{hub.PurposeVerification, hub.PurposeEmailChange}
	u, err := s.spend(ctx, t, purposes, func(u *hub.User, kept hub.MailToken) (hub.Event, []hub.Mail) {
		u.IsEmailVerified = true
		if kept.Purpose == hub.PurposeVerification {
			return hub.NewEvent(ctx, hub.EventEmailVerified, u.ID, u.UpdatedAt), nil
		}
		former := u.Email
		u.Email = kept.Email
		u.VoidMailTokens()
		return hub.NewEvent(ctx, hub.EventEmailChanged, u.ID, u.UpdatedAt),
			[]hub.Mail{hub.NewMail(hub.MailEmailChanged, u.ID, former, u.UpdatedAt)}
	})
	if errors.Is(err, hub.ErrDuplicateEmail) {
		return hub.User{}, hub.NewError(hub.CodeConflict)
	}
	return u, err
}
