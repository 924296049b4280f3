package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/ratelimit"
)

// Login starts a session for whoever knows the address and the password. INVALID_CREDENTIALS takes the same time and
// says the same for unknown and deleted accounts and wrong passwords; ACCOUNT_INACTIVE comes only after the right
// password, ACCOUNT_LOCKED before any is looked at, OVERLOADED when hashing has no room.
func (s *Service) Login(ctx context.Context, email string, pw hub.Secret) (Tokens, error) {
	email, err := field.Email(email)
	if err != nil {
		return Tokens{}, hub.Invalid(hub.FieldError{Location: "email", Message: err.Error()})
	}
	u, err := s.checkPassword(ctx, email, pw)
	if err != nil {
		return Tokens{}, err
	}
	u, err = s.rehash(ctx, u, pw)
	if err != nil {
		return Tokens{}, err
	}
	return s.startSession(ctx, u)
}

// checkPassword is the one place where a password is compared, and so the one that counts failures. It returns the
// usable user whose canonical address and password these are, or the answer to give.
func (s *Service) checkPassword(ctx context.Context, email string, pw hub.Secret) (hub.User, error) {
	attempt, err := s.Lockouts.Begin(ctx, email)
	if err != nil {
		if hub.IsCode(err, hub.CodeAccountLocked) {
			return hub.User{}, s.refuseLocked(ctx, email, err)
		}
		return hub.User{}, err
	}
	u, right, err := s.compare(ctx, email, pw)
	switch {
	case err != nil:
		return hub.User{}, errors.Join(err, attempt.Abandon(ctx))
	case !right:
		return hub.User{}, s.fail(ctx, attempt, email, u.ID)
	case !u.IsUsable():
		if err := attempt.Abandon(ctx); err != nil {
			return hub.User{}, err
		}
		if err := s.Store.AddEvent(ctx, hub.NewEvent(ctx, hub.EventLoginInactive, u.ID, s.Now())); err != nil {
			return hub.User{}, fmt.Errorf("record refusal: %w", err)
		}
		return hub.User{}, hub.NewError(hub.CodeAccountInactive)
	}
	if err := attempt.Succeed(ctx); err != nil {
		return hub.User{}, err
	}
	return u, nil
}

// compare does the same work whether the account exists or not.
func (s *Service) compare(ctx context.Context, email string, pw hub.Secret) (u hub.User, right bool, err error) {
	u, err = s.Store.UserByEmail(ctx, email)
	if errors.Is(err, hub.ErrNotFound) || (err == nil && u.IsDeleted()) {
		return hub.User{}, false, s.Passwords.Burn(ctx, pw)
	}
	if err != nil {
		return hub.User{}, false, fmt.Errorf("read user: %w", err)
	}
	right, err = s.Passwords.Match(ctx, u.PasswordHash, pw)
	return u, right, err
}

func (s *Service) fail(ctx context.Context, attempt *ratelimit.Attempt, email, userID string) error {
	now := s.Now()
	failed := hub.NewEvent(ctx, hub.EventLoginFailed, userID, now)
	failed.EmailKey = hub.LockoutKey(email)
	locked := failed
	locked.Kind = hub.EventLoginLocked
	_, err := attempt.Fail(ctx, failed, locked, func() []hub.Mail {
		return []hub.Mail{hub.NewMail(hub.MailAccountLocked, "", email, now)}
	})
	if err != nil {
		return err
	}
	return hub.NewError(hub.CodeInvalidCredentials)
}

func (s *Service) refuseLocked(ctx context.Context, email string, answer error) error {
	e := hub.NewEvent(ctx, hub.EventLoginRefused, "", s.Now())
	e.EmailKey = hub.LockoutKey(email)
	if err := s.Store.AddEvent(ctx, e); err != nil {
		return fmt.Errorf("record refusal: %w", err)
	}
	return answer
}

// rehash replaces a hash of another cost or scheme while the password is at hand. When hashing has no room the next
// login does it.
func (s *Service) rehash(ctx context.Context, u hub.User, pw hub.Secret) (hub.User, error) {
	if !s.Passwords.Outdated(u.PasswordHash) {
		return u, nil
	}
	hash, err := s.Passwords.Hash(ctx, pw)
	if hub.IsCode(err, hub.CodeOverloaded) {
		return u, nil
	}
	if err != nil {
		return u, fmt.Errorf("rehash password: %w", err)
	}
	checked := u.PasswordHash
	var present hub.User
	u, err = s.edit(ctx, u.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if present = *u; u.PasswordHash != checked {
			return hub.Event{}, nil, s.stillRight(ctx, u, pw)
		}
		u.PasswordHash = hash
		return hub.NewEvent(ctx, hub.EventPasswordRehashed, u.ID, s.Now()), nil, nil
	})
	if errors.Is(err, hub.ErrUnchanged) {
		return present, nil
	}
	return u, err
}

// stillRight decides about a password whose hash was replaced since it was checked: ErrUnchanged if another login only renewed
// it, INVALID_CREDENTIALS if it is another password now.
func (s *Service) stillRight(ctx context.Context, u *hub.User, pw hub.Secret) error {
	right, err := s.Passwords.Match(ctx, u.PasswordHash, pw)
	switch {
	case err != nil:
		return fmt.Errorf("check password again: %w", err)
	case right:
		return hub.ErrUnchanged
	}
	return hub.NewError(hub.CodeInvalidCredentials)
}
