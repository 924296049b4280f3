package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

// Tokens is what a client gets to act for a user.
type Tokens struct {
	Access    hub.Secret
	Refresh   hub.Secret
	ExpiresIn time.Duration // of the access token
	User      hub.User
}

// startSession begins a session of u, whose password was just checked. If the user changed meanwhile it looks again:
// a password that is no longer the checked one starts nothing.
func (s *Service) startSession(ctx context.Context, u hub.User) (Tokens, error) {
	for range maxRounds {
		now := s.Now()
		session, refresh, err := s.newSession(ctx, u, now)
		if err != nil {
			return Tokens{}, err
		}
		e := hub.NewEvent(ctx, hub.EventSessionStarted, u.ID, now)
		e.SessionID = session.ID
		err = s.Store.AddSession(ctx, session, e)
		if err == nil {
			u.LastLoginAt = now
			if err := s.endOldest(ctx, u); err != nil {
				return Tokens{}, err
			}
			return s.tokens(u, session, refresh)
		}
		if !errors.Is(err, hub.ErrConflict) {
			return Tokens{}, fmt.Errorf("add session: %w", err)
		}
		changed, err := s.Store.UserByID(ctx, u.ID)
		if err != nil {
			return Tokens{}, fmt.Errorf("read user: %w", err)
		}
		if !changed.IsUsable() || changed.PasswordHash != u.PasswordHash || changed.SessionEpoch == u.SessionEpoch {
			return Tokens{}, hub.NewError(hub.CodeInvalidCredentials)
		}
		u = changed
	}
	return Tokens{}, fmt.Errorf("add session: gave up after %d rounds: %w", maxRounds, hub.ErrUnavailable)
}

// maxRounds bounds how often a use case decides again after losing a race.
const maxRounds = 100

func (s *Service) newSession(ctx context.Context, u hub.User, now time.Time) (hub.Session, hub.Secret, error) {
	origin := hub.OriginFrom(ctx)
	session := hub.Session{
		ID: hub.NewID(), UserID: u.ID, Epoch: u.SessionEpoch,
		CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(s.Rules.SessionMaxAge),
		IP: origin.IP, UserAgent: origin.UserAgent, Version: 1,
	}
	if s.Rules.SessionMaxAge == 0 {
		session.ExpiresAt = now.AddDate(100, 0, 0)
	}
	kept, refresh, err := s.newRefreshToken(session, now)
	session.Token = kept
	return session, refresh, err
}

// newRefreshToken makes the next token of a session. Its times are whole seconds, as tokens carry them, so that the very
// same token can be made again from what is kept.
func (s *Service) newRefreshToken(session hub.Session, now time.Time) (hub.RefreshToken, hub.Secret, error) {
	issued := now.Truncate(time.Second)
	kept := hub.RefreshToken{
		ID: hub.NewID(), IssuedAt: issued, ExpiresAt: earlier(issued.Add(s.Rules.RefreshTTL), session.ExpiresAt.Truncate(time.Second)),
	}
	refresh, err := s.Tokens.Issue(refreshClaims(session, kept))
	if err != nil {
		return hub.RefreshToken{}, hub.Secret{}, fmt.Errorf("issue refresh token: %w", err)
	}
	kept.Hash = token.Hash(refresh)
	return kept, refresh, nil
}

func refreshClaims(session hub.Session, t hub.RefreshToken) token.Claims {
	return token.Claims{
		Kind: token.Refresh, ID: t.ID, UserID: session.UserID, SessionID: session.ID,
		IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt,
	}
}

// tokens makes the answer for a session whose present or repeated refresh token is refresh.
func (s *Service) tokens(u hub.User, session hub.Session, refresh hub.Secret) (Tokens, error) {
	now := s.Now().Truncate(time.Second)
	expires := earlier(now.Add(s.Rules.AccessTTL), session.ExpiresAt.Truncate(time.Second))
	access, err := s.Tokens.Issue(token.Claims{
		Kind: token.Access, ID: hub.NewID(), UserID: u.ID, SessionID: session.ID,
		Email: u.Email, Role: u.Role, IssuedAt: now, ExpiresAt: expires,
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("issue access token: %w", err)
	}
	return Tokens{Access: access, Refresh: refresh, ExpiresIn: expires.Sub(now), User: u}, nil
}

// endOldest keeps the number of a user's sessions within Rules.MaxSessions.
func (s *Service) endOldest(ctx context.Context, u hub.User) error {
	limit := s.Rules.MaxSessions
	if limit <= 0 {
		return nil
	}
	sessions, err := hub.LiveSessions(ctx, s.Store, u, s.Now())
	if err != nil || len(sessions) <= limit {
		return err
	}
	for _, oldest := range sessions[limit:] {
		if err := s.endSession(ctx, oldest.ID, "limit"); err != nil {
			return err
		}
	}
	return nil
}

// endSession ends one session if it has not ended yet. The event says why.
func (s *Service) endSession(ctx context.Context, id, why string) error {
	err := hub.EditSession(ctx, s.Store, id, func(session *hub.Session, _ *hub.User) (hub.Event, error) {
		if !session.EndedAt.IsZero() {
			return hub.Event{}, hub.ErrUnchanged
		}
		now := s.Now()
		session.End(now)
		e := hub.NewEvent(ctx, hub.EventSessionEnded, session.UserID, now).With("reason", why)
		e.SessionID = session.ID
		return e, nil
	})
	if errors.Is(err, hub.ErrNotFound) {
		return nil
	}
	return err
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
