package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

// Refresh spends a refresh token for its one successor and a new access token. Whoever presents it again within
// Rules.RefreshGrace gets the same successor; later, the session dies (OWASP ASVS 10.4.5, RFC 9700 section 4.14.2) and
// the answer is TOKEN_REUSED. A request that saw the token unspent and lost the race to spend it is no theft: without
// a grace it gets TOKEN_REUSED, and the session lives. TOKEN_EXPIRED and TOKEN_INVALID are all other refusals.
func (s *Service) Refresh(ctx context.Context, t hub.Secret) (Tokens, error) {
	claims, err := s.verify(token.Refresh, t)
	if err != nil {
		return Tokens{}, err
	}
	for round := range maxRounds {
		session, u, err := s.Store.SessionWithUser(ctx, claims.SessionID)
		if errors.Is(err, hub.ErrNotFound) {
			return Tokens{}, invalidToken()
		}
		if err != nil {
			return Tokens{}, fmt.Errorf("read session: %w", err)
		}
		if session.UserID != claims.UserID || !session.IsLive(&u, s.Now()) {
			return Tokens{}, invalidToken()
		}
		if session.Token.ID != claims.ID {
			return s.repeat(ctx, u, session, claims.ID, round > 0)
		}
		if subtle.ConstantTimeCompare([]byte(token.Hash(t)), []byte(session.Token.Hash)) != 1 {
			return Tokens{}, invalidToken()
		}
		answer, err := s.rotate(ctx, u, session)
		if !errors.Is(err, hub.ErrConflict) {
			return answer, err
		}
	}
	return Tokens{}, fmt.Errorf("refresh: gave up after %d rounds: %w", maxRounds, hub.ErrUnavailable)
}

// rotate gives the session its next token. ErrConflict says that somebody else changed the session first.
func (s *Service) rotate(ctx context.Context, u hub.User, session hub.Session) (Tokens, error) {
	now := s.Now()
	next, refresh, err := s.newRefreshToken(session, now)
	if err != nil {
		return Tokens{}, err
	}
	session.Rotate(next, now, s.Rules.RefreshGrace)
	e := hub.NewEvent(ctx, hub.EventSessionRefreshed, u.ID, now)
	e.SessionID = session.ID
	if err := s.Store.UpdateSession(ctx, session, e); err != nil {
		return Tokens{}, fmt.Errorf("rotate refresh token: %w", err)
	}
	return s.tokens(u, session, refresh)
}

// repeat answers a token that is not the session's present one, and so was spent before.
func (s *Service) repeat(ctx context.Context, u hub.User, session hub.Session, id string, lostRace bool) (Tokens, error) {
	successor, spentAt, known := session.SuccessorOf(id)
	if grace := s.Rules.RefreshGrace; known && grace > 0 && s.Now().Sub(spentAt) <= grace {
		refresh, ok := s.Tokens.Reissue(refreshClaims(session, successor), successor.Hash)
		if !ok { // its key was withdrawn since
			return Tokens{}, invalidToken()
		}
		return s.tokens(u, session, refresh)
	}
	if !lostRace {
		if err := s.endReused(ctx, session.ID); err != nil {
			return Tokens{}, err
		}
	}
	return Tokens{}, hub.NewError(hub.CodeTokenReused)
}

func (s *Service) endReused(ctx context.Context, sessionID string) error {
	return hub.EditSession(ctx, s.Store, sessionID, func(session *hub.Session, u *hub.User) (hub.Event, error) {
		if !session.EndedAt.IsZero() {
			return hub.Event{}, hub.ErrUnchanged
		}
		now := s.Now()
		session.End(now)
		e := hub.NewEvent(ctx, hub.EventTokenReused, u.ID, now)
		e.SessionID = session.ID
		return e, nil
	})
}
