package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

// issueMailToken makes the link's secret for a mail that is about to be sent, and voids the previous one of its purpose.
// allow looks at the user and may refuse with an error of its own.
func (s *Service) issueMailToken(ctx context.Context, p hub.MailTokenPurpose, userID, email string, allow func(*hub.User) error) (hub.Secret, error) {
	now := s.Now()
	issued := now.Truncate(time.Second)
	kept := hub.MailToken{
		ID: hub.NewID(), UserID: userID, Email: email, Purpose: p,
		CreatedAt: now, ExpiresAt: issued.Add(s.mailTokenTTL(p)),
	}
	secret, err := s.Tokens.Issue(token.Claims{
		Kind: token.Kind(p), ID: kept.ID, UserID: userID, Email: email,
		IssuedAt: issued, ExpiresAt: kept.ExpiresAt,
	})
	if err != nil {
		return hub.Secret{}, fmt.Errorf("issue mail token: %w", err)
	}
	kept.Hash = token.Hash(secret)

	added := false
	_, err = s.edit(ctx, userID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if err := allow(u); err != nil {
			return hub.Event{}, nil, err
		}
		if !added { // worth nothing until the user names it, so that dying in between does no harm
			if err := s.Store.AddMailToken(ctx, kept); err != nil {
				return hub.Event{}, nil, fmt.Errorf("add mail token: %w", err)
			}
			added = true
		}
		*u.MailTokens.Of(p) = kept.ID
		return hub.NewEvent(ctx, hub.EventMailTokenIssued, u.ID, now).With("purpose", string(p)), nil, nil
	})
	return secret, err
}

func (s *Service) mailTokenTTL(p hub.MailTokenPurpose) time.Duration {
	if p == hub.PurposeReset {
		return s.Rules.ResetTTL
	}
	return s.Rules.VerificationTTL
}

// mailToken finds the token that somebody presents and the user it is for. TOKEN_INVALID if it is not one of ours, of
// another purpose, for another address, or its user cannot sign in; TOKEN_EXPIRED; TOKEN_USED if it was used or a newer
// one took its place. It changes nothing.
func (s *Service) mailToken(ctx context.Context, t hub.Secret, purposes ...hub.MailTokenPurpose) (hub.MailToken, hub.User, error) {
	claims, err := s.verifyAny(t, purposes)
	if err != nil {
		return hub.MailToken{}, hub.User{}, err
	}
	kept, err := s.Store.MailTokenByID(ctx, claims.ID)
	if errors.Is(err, hub.ErrNotFound) {
		return kept, hub.User{}, invalidToken()
	}
	if err != nil {
		return kept, hub.User{}, fmt.Errorf("read mail token: %w", err)
	}
	if kept.UserID != claims.UserID || kept.Email != claims.Email || kept.Purpose != hub.MailTokenPurpose(claims.Kind) ||
		subtle.ConstantTimeCompare([]byte(token.Hash(t)), []byte(kept.Hash)) != 1 {
		return kept, hub.User{}, invalidToken()
	}
	u, err := s.Store.UserByID(ctx, kept.UserID)
	if errors.Is(err, hub.ErrNotFound) {
		return kept, u, invalidToken()
	}
	if err != nil {
		return kept, u, fmt.Errorf("read user: %w", err)
	}
	if !u.IsUsable() || (kept.Purpose != hub.PurposeEmailChange && kept.Email != u.Email) {
		return kept, u, invalidToken()
	}
	if !kept.UsedAt.IsZero() || *u.MailTokens.Of(kept.Purpose) != kept.ID {
		return kept, u, hub.NewError(hub.CodeTokenUsed)
	}
	return kept, u, nil
}

// verifyAny verifies a token that may be of one of several purposes. TOKEN_EXPIRED wins over TOKEN_INVALID.
func (s *Service) verifyAny(t hub.Secret, purposes []hub.MailTokenPurpose) (claims token.Claims, err error) {
	for _, p := range purposes {
		claims, err = s.verify(token.Kind(p), t)
		if err == nil || hub.IsCode(err, hub.CodeTokenExpired) {
			return claims, err
		}
	}
	return claims, err
}

// spend uses up the token t for what edit does to its user, at one stroke. A race is decided again from the start.
func (s *Service) spend(ctx context.Context, t hub.Secret, purposes []hub.MailTokenPurpose, edit func(*hub.User, hub.MailToken) (hub.Event, []hub.Mail)) (hub.User, error) {
	for range maxRounds {
		kept, u, err := s.mailToken(ctx, t, purposes...)
		if err != nil {
			return hub.User{}, err
		}
		now := s.Now()
		*u.MailTokens.Of(kept.Purpose) = ""
		u.UpdatedAt = now
		e, mails := edit(&u, kept)
		err = s.Store.SpendMailToken(ctx, kept.ID, now, u, e, mails...)
		if err == nil {
			u.Version++
			return u, nil
		}
		if !errors.Is(err, hub.ErrConflict) {
			return hub.User{}, fmt.Errorf("spend mail token: %w", err)
		}
	}
	return hub.User{}, fmt.Errorf("spend mail token: gave up after %d rounds: %w", maxRounds, hub.ErrUnavailable)
}
