package hub

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Session is one sign-in: a family of refresh tokens, of which one at a time may be used. It is one document, so that
// rotation and death are one conditional write each, and no number of refreshes makes it grow.
type Session struct {
	ID     string
	UserID string
	Epoch  int64 // the user's SessionEpoch at sign-in

	// Token is the refresh token that may be used next.
	Token RefreshToken
	// Spent are the tokens used within the grace, oldest first. Each one's successor is the next in the list, the last
	// one's is Token. Any other token of the family was used longer ago.
	Spent []SpentToken

	CreatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time // absolute end, whatever is refreshed
	EndedAt    time.Time // logout, reuse, or ended by an admin; final

	IP        string
	UserAgent string

	Version int64 // raised by every change; 1 when added
}

// RefreshToken is what is kept of a refresh token: enough to make the very same token again, never the token itself.
type RefreshToken struct {
	ID        string
	Hash      string // hexadecimal SHA-256 of the token
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// SpentToken is a refresh token that was used, and when.
type SpentToken struct {
	RefreshToken
	SpentAt time.Time
}

// maxSpent bounds Session.Spent. A client that rotates more often within the grace loses the repeat of the oldest.
const maxSpent = 16

// IsLive reports whether the session of the user u may be used at the time now.
func (s *Session) IsLive(u *User, now time.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt) && now.Before(s.Token.ExpiresAt) &&
		s.UserID == u.ID && u.IsUsable() &&
		(s.Epoch == u.SessionEpoch || s.ID == u.KeptSession)
}

// Rotate spends the present token and puts next in its place.
func (s *Session) Rotate(next RefreshToken, now time.Time, grace time.Duration) {
	s.Spent = slices.DeleteFunc(slices.Clone(s.Spent), func(t SpentToken) bool { return now.Sub(t.SpentAt) > grace })
	s.Spent = append(s.Spent, SpentToken{s.Token, now})
	if len(s.Spent) > maxSpent {
		s.Spent = s.Spent[len(s.Spent)-maxSpent:]
	}
	s.Token = next
	s.LastUsedAt = now
}

// SuccessorOf returns the token that replaced the spent token with the given id, and when it did. It knows those that
// were spent within the grace of the last rotation.
func (s *Session) SuccessorOf(id string) (successor RefreshToken, spentAt time.Time, ok bool) {
	i := slices.IndexFunc(s.Spent, func(t SpentToken) bool { return t.ID == id })
	switch {
	case i < 0:
		return RefreshToken{}, time.Time{}, false
	case i == len(s.Spent)-1:
		return s.Token, s.Spent[i].SpentAt, true
	default:
		return s.Spent[i+1].RefreshToken, s.Spent[i].SpentAt, true
	}
}

// End ends the session for good.
func (s *Session) End(now time.Time) { s.EndedAt = now }

// MailTokenPurpose says what a token sent by mail may be used for. A token serves its own purpose only.
type MailTokenPurpose string

// The purposes, named as the tokens' `type` claim names them.
const (
	PurposeVerification MailTokenPurpose = "email_verification"
	PurposeReset        MailTokenPurpose = "password_reset"
	PurposeEmailChange  MailTokenPurpose = "email_change"
)

// MailToken is what is kept of a token sent by mail.
type MailToken struct {
	ID        string
	UserID    string
	Email     string // the address it was sent to and is bound to
	Purpose   MailTokenPurpose
	Hash      string // hexadecimal SHA-256 of the token
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero: not used
}

// Version tells states of the token apart: 1 until it is used, then 2.
func (t *MailToken) Version() int64 {
	if t.UsedAt.IsZero() {
		return 1
	}
	return 2
}

// maxListedSessions bounds how many sessions of one user are looked at in one step.
const maxListedSessions = 1000

// LiveSessions returns the sessions of u that may be used now, newest first.
func LiveSessions(ctx context.Context, store SessionStore, u User, now time.Time) ([]Session, error) {
	sessions, err := store.SessionsByUser(ctx, u.ID, now, maxListedSessions)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return slices.DeleteFunc(sessions, func(s Session) bool { return !s.IsLive(&u, now) }), nil
}
