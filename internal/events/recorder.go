package events

import (
	"context"
	"log/slog"
	"time"

	"github.com/a64core/hub"
)

// Recorder is a store that also logs every event it keeps.
type Recorder struct {
	hub.Store
	Log   *slog.Logger
	Count func(hub.EventKind) // hears of every event that was kept; nil if nobody counts
}

// AddUser implements [hub.Store].
func (r *Recorder) AddUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return r.log(ctx, &e, r.Store.AddUser(ctx, u, e, mails...))
}

// UpdateUser implements [hub.Store].
func (r *Recorder) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return r.log(ctx, &e, r.Store.UpdateUser(ctx, u, e, mails...))
}

// PurgeUser implements [hub.Store].
func (r *Recorder) PurgeUser(ctx context.Context, id string, version int64, e hub.Event) error {
	return r.log(ctx, &e, r.Store.PurgeUser(ctx, id, version, e))
}

// AddSession implements [hub.Store].
func (r *Recorder) AddSession(ctx context.Context, s hub.Session, e hub.Event) error {
	return r.log(ctx, &e, r.Store.AddSession(ctx, s, e))
}

// UpdateSession implements [hub.Store].
func (r *Recorder) UpdateSession(ctx context.Context, s hub.Session, e hub.Event) error {
	return r.log(ctx, &e, r.Store.UpdateSession(ctx, s, e))
}

// SpendMailToken implements [hub.Store].
func (r *Recorder) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	return r.log(ctx, &e, r.Store.SpendMailToken(ctx, tokenID, usedAt, u, e, mails...))
}

// PutLockout implements [hub.Store].
func (r *Recorder) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) error {
	return r.log(ctx, e, r.Store.PutLockout(ctx, l, e, mails...))
}

// AddMail implements [hub.Store].
func (r *Recorder) AddMail(ctx context.Context, m hub.Mail, e hub.Event) error {
	return r.log(ctx, &e, r.Store.AddMail(ctx, m, e))
}

// AddEvent implements [hub.Store].
func (r *Recorder) AddEvent(ctx context.Context, e hub.Event) error {
	return r.log(ctx, &e, r.Store.AddEvent(ctx, e))
}

// log counts an event that was kept and writes the line for it, and returns err.
func (r *Recorder) log(ctx context.Context, e *hub.Event, err error) error {
	if err != nil || e == nil {
		return err
	}
	if r.Count != nil {
		r.Count(e.Kind)
	}
	level := slog.LevelInfo
	if e.Kind.IsRefusal() {
		level = slog.LevelWarn
	}
	if !r.Log.Enabled(ctx, level) {
		return nil
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("event", string(e.Kind)), slog.String("event_id", e.ID))
	for _, fact := range []struct{ name, value string }{
		{"actor_id", e.ActorID},
		{"target_id", e.TargetID},
		{"session_id", e.SessionID},
		{"email_key", e.EmailKey},
		{"ip", e.IP},
		{"user_agent", e.UserAgent},
	} {
		if fact.value != "" {
			attrs = append(attrs, slog.String(fact.name, fact.value))
		}
	}
	for name, value := range e.Detail {
		attrs = append(attrs, slog.String(name, value))
	}
	r.Log.LogAttrs(ctx, level, "security event", attrs...)
	return nil
}
