package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/mail"
)

// Letter decides what a queued mail becomes at the moment of sending: whom it greets, and the secret of its link, which
// exists from now on. mail.ErrNothingToSend says that there is nobody to write to, nothing left to say, or that the
// account got enough mails this hour.
func (s *Service) Letter(ctx context.Context, m hub.Mail) (mail.Letter, error) {
	u, err := s.recipient(ctx, m)
	if err != nil {
		return mail.Letter{}, err
	}
	letter := mail.Letter{Kind: m.Kind, To: m.To, FirstName: u.FirstName, Locale: u.Locale, At: m.CreatedAt}
	purpose, hasLink := purposeOf(m.Kind)
	switch {
	case hasLink:
		letter.ValidFor = s.mailTokenTTL(purpose)
		letter.Token, err = s.issueMailToken(ctx, purpose, u.ID, m.To, func(u *hub.User) error {
			return s.allowMail(u, m)
		})
	case m.Kind == hub.MailAccountLocked:
		letter.ValidFor = s.Lockouts.Policy.Duration
	case m.Kind == hub.MailEmailTaken:
		err = s.countMail(ctx, u.ID, m)
	}
	return letter, err
}

func purposeOf(kind hub.MailKind) (p hub.MailTokenPurpose, ok bool) {
	switch kind {
	case hub.MailVerification:
		return hub.PurposeVerification, true
	case hub.MailReset:
		return hub.PurposeReset, true
	case hub.MailEmailChange:
		return hub.PurposeEmailChange, true
	}
	return "", false
}

func (s *Service) recipient(ctx context.Context, m hub.Mail) (u hub.User, err error) {
	if m.UserID != "" {
		u, err = s.Store.UserByID(ctx, m.UserID)
	} else {
		u, err = s.Store.UserByEmail(ctx, m.To)
	}
	if errors.Is(err, hub.ErrNotFound) {
		return u, mail.ErrNothingToSend
	}
	if err != nil {
		return u, fmt.Errorf("read recipient: %w", err)
	}
	if u.IsDeleted() {
		return u, mail.ErrNothingToSend
	}
	if m.Kind == hub.MailEmailChange {
		_, err := s.Store.UserByEmail(ctx, m.To)
		if err == nil {
			return u, mail.ErrNothingToSend // the address has an account: no link may reach it
		}
		if !errors.Is(err, hub.ErrNotFound) {
			return u, fmt.Errorf("read new address: %w", err)
		}
	}
	return u, nil
}

// allowMail decides on the user as stored whether a mail with a link may still go out, and counts it.
func (s *Service) allowMail(u *hub.User, m hub.Mail) error {
	switch {
	case !u.IsUsable(),
		m.Kind == hub.MailVerification && u.IsEmailVerified,
		m.Kind != hub.MailEmailChange && m.To != u.Email,
		s.Now().Sub(m.CreatedAt) > maxLetterAge:
		return mail.ErrNothingToSend
	}
	return s.takeQuota(u, m)
}

// maxLetterAge is how late a mail with a link may be sent. Nobody remembers having asked for an older one.
const maxLetterAge = 24 * time.Hour

func (s *Service) countMail(ctx context.Context, userID string, m hub.Mail) error {
	_, err := s.edit(ctx, userID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		return hub.NewEvent(ctx, hub.EventMailCounted, u.ID, s.Now()).With("mail", string(m.Kind)), nil, s.takeQuota(u, m)
	})
	return err
}

// takeQuota counts a mail against the account's hourly limit, once however often its sending is tried.
func (s *Service) takeQuota(u *hub.User, m hub.Mail) error {
	if m.Attempts <= 1 && !u.TakeMailQuota(s.Now(), s.Rules.MailLimit) {
		return mail.ErrNothingToSend
	}
	return nil
}
