package replica

import (
	"context"
	"log/slog"
	"time"

	"github.com/a64core/hub"
)

// change has the primary make a change.
func (s *Store) change(call func() error) error {
	_, err := ask(s, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// recorded returns the records of an event and mails that were kept with a change.
func recorded(e *hub.Event, mails []hub.Mail) []hub.Record {
	records := make([]hub.Record, 0, len(mails)+3)
	if e != nil {
		records = append(records, hub.Record{Event: e})
	}
	for _, m := range mails {
		m.Version = 1
		records = append(records, hub.Record{Mail: &m})
	}
	return records
}

// AddUser implements hub.UserStore.
func (s *Store) AddUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	if err := s.change(func() error { return s.primary.AddUser(ctx, u, e, mails...) }); err != nil {
		return err
	}
	u.Version = 1
	s.mirror(ctx, append(recorded(&e, mails), hub.Record{User: &u})...)
	return nil
}

// UpdateUser implements hub.UserStore.
func (s *Store) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	if err := s.change(func() error { return s.primary.UpdateUser(ctx, u, e, mails...) }); err != nil {
		return err
	}
	u.Version++
	s.mirror(ctx, append(recorded(&e, mails), hub.Record{User: &u})...)
	return nil
}

// PurgeUser implements hub.UserStore.
func (s *Store) PurgeUser(ctx context.Context, id string, version int64, e hub.Event) error {
	if err := s.change(func() error { return s.primary.PurgeUser(ctx, id, version, e) }); err != nil {
		return err
	}
	s.mirrorStored(ctx, recorded(&e, nil), hub.RecordKey{Kind: hub.RecordTombstone, ID: id})
	return nil
}

// AddSession implements hub.SessionStore.
func (s *Store) AddSession(ctx context.Context, se hub.Session, e hub.Event) error {
	if err := s.change(func() error { return s.primary.AddSession(ctx, se, e) }); err != nil {
		return err
	}
	se.Version = 1
	s.mirrorStored(ctx, append(recorded(&e, nil), hub.Record{Session: &se}), hub.RecordKey{Kind: hub.RecordUser, ID: se.UserID})
	return nil
}

// UpdateSession implements hub.SessionStore.
func (s *Store) UpdateSession(ctx context.Context, se hub.Session, e hub.Event) error {
	if err := s.change(func() error { return s.primary.UpdateSession(ctx, se, e) }); err != nil {
		return err
	}
	se.Version++
	s.mirror(ctx, append(recorded(&e, nil), hub.Record{Session: &se})...)
	return nil
}

// AddMailToken implements hub.MailTokenStore.
func (s *Store) AddMailToken(ctx context.Context, t hub.MailToken) error {
	if err := s.change(func() error { return s.primary.AddMailToken(ctx, t) }); err != nil {
		return err
	}
	s.mirror(ctx, hub.Record{MailToken: &t})
	return nil
}

// SpendMailToken implements hub.MailTokenStore.
func (s *Store) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) error {
	if err := s.change(func() error { return s.primary.SpendMailToken(ctx, tokenID, usedAt, u, e, mails...) }); err != nil {
		return err
	}
	u.Version++
	s.mirrorStored(ctx, append(recorded(&e, mails), hub.Record{User: &u}), hub.RecordKey{Kind: hub.RecordMailToken, ID: tokenID})
	return nil
}

// PutLockout implements hub.LockoutStore.
func (s *Store) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) error {
	if err := s.change(func() error { return s.primary.PutLockout(ctx, l, e, mails...) }); err != nil {
		return err
	}
	l.Version++
	s.mirror(ctx, append(recorded(e, mails), hub.Record{Lockout: &l})...)
	return nil
}

// AddMail implements hub.MailStore.
func (s *Store) AddMail(ctx context.Context, m hub.Mail, e hub.Event) error {
	if err := s.change(func() error { return s.primary.AddMail(ctx, m, e) }); err != nil {
		return err
	}
	s.mirror(ctx, recorded(&e, []hub.Mail{m})...)
	return nil
}

// UpdateMail implements hub.MailStore.
func (s *Store) UpdateMail(ctx context.Context, m hub.Mail) error {
	if err := s.change(func() error { return s.primary.UpdateMail(ctx, m) }); err != nil {
		return err
	}
	m.Version++
	s.mirror(ctx, hub.Record{Mail: &m})
	return nil
}

// AddEvent implements hub.EventStore.
func (s *Store) AddEvent(ctx context.Context, e hub.Event) error {
	if err := s.change(func() error { return s.primary.AddEvent(ctx, e) }); err != nil {
		return err
	}
	s.mirror(ctx, hub.Record{Event: &e})
	return nil
}

// Sweep implements hub.Store. Both sides forget by the same clock, so that nothing needs to be copied; a secondary that is
// away does so when it is back.
func (s *Store) Sweep(ctx context.Context, at time.Time, keep hub.Retention, limit int) (int, error) {
	swept, err := ask(s, func() (int, error) { return s.primary.Sweep(ctx, at, keep, limit) })
	second, openErr := s.Secondary()
	if err != nil || openErr != nil || s.second.isOut() {
		return swept, err
	}
	also, err := second.Sweep(ctx, at, keep, limit)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the secondary database could not be swept", slog.Any("error", err))
		return swept, nil
	}
	return max(swept, also), nil // whoever repeats until nothing is left repeats for both
}
