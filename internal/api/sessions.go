package api

import (
	"context"

	"github.com/go-chi/chi/v5"

	"github.com/a64core/hub"
)

// Session is one sign-in.
type Session struct {
	SessionID  string  `json:"sessionId" format:"uuid" example:"0197a3c1-8f10-7c55-b1f2-3d4e5f6a7b8c"`
	CreatedAt  string  `json:"createdAt" format:"date-time" example:"2026-01-02T03:04:05.678Z"`
	LastUsedAt string  `json:"lastUsedAt" format:"date-time" doc:"The last refresh, or the sign-in." example:"2026-01-02T04:04:05.678Z"`
	ExpiresAt  string  `json:"expiresAt" format:"date-time" doc:"When it ends unless it is refreshed before." example:"2026-01-09T04:04:05.000Z"`
	IP         *string `json:"ip" doc:"Where the sign-in came from." example:"192.0.2.7"`
	UserAgent  *string `json:"userAgent" example:"Mozilla/5.0"`
	Current    bool    `json:"current" doc:"Whether this request belongs to it." example:"true"`
}

// Sessions is a list of sessions, newest first.
type Sessions struct {
	Data []Session `json:"data" nullable:"false"`
}

func newSessions(ctx context.Context, sessions []hub.Session, err error) (Sessions, error) {
	if err != nil {
		return Sessions{}, err
	}
	current := caller(ctx).Session.ID
	out := Sessions{Data: make([]Session, len(sessions))}
	for i := range sessions {
		s := &sessions[i]
		out.Data[i] = Session{
			SessionID: s.ID, CreatedAt: hub.Timestamp(s.CreatedAt), LastUsedAt: hub.Timestamp(s.LastUsedAt),
			ExpiresAt: hub.Timestamp(s.Token.ExpiresAt), IP: orNull(&s.IP), UserAgent: orNull(&s.UserAgent),
			Current: s.ID == current,
		}
	}
	return out, nil
}

func (a *API) ownSessions(ctx context.Context, _ none) (Sessions, error) {
	sessions, err := a.Auth.Sessions(ctx)
	return newSessions(ctx, sessions, err)
}

func (a *API) endOwnSession(ctx context.Context, _ none) (none, error) {
	id := chi.URLParamFromCtx(ctx, "sessionId")
	if !hub.IsID(id) {
		return none{}, hub.NewError(hub.CodeNotFound)
	}
	return none{}, a.Auth.EndSession(ctx, id)
}

func (a *API) userSessions(ctx context.Context, _ none) (Sessions, error) {
	sessions, err := a.Users.Sessions(ctx, userID(ctx))
	return newSessions(ctx, sessions, err)
}

func (a *API) endUserSessions(ctx context.Context, _ none) (none, error) {
	return none{}, a.Users.EndSessions(ctx, userID(ctx))
}
