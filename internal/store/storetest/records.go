package storetest

import (
	"context"
	"testing"

	"github.com/a64core/hub"
)

func recordTests() []test {
	return []test{
		{"EventsAndMailsAreKeptWithTheChange", recordsAreKept},
		{"NoChangeIsKeptWithoutItsEvent", noChangeWithoutEvent},
		{"NoChangeIsKeptWithoutItsMails", noChangeWithoutMails},
		{"NoEventOrMailIsKeptWithoutTheChange", noRecordWithoutChange},
	}
}

// change is a method that changes something, as it is called in a world of its own.
type change struct {
	name      string
	takesMail bool
	do        func(context.Context, hub.Event, ...hub.Mail) error
	done      func(*testing.T) bool
	// fail is the same method called so that it must refuse.
	fail func(context.Context, hub.Event, ...hub.Mail) error
}

// changes prepares s for each method that keeps an event, and returns the calls.
func changes(t *testing.T, s hub.Store) []change {
	t.Helper()
	return []change{
		addUserChange(t, s), updateUserChange(t, s), purgeUserChange(t, s), addSessionChange(t, s),
		updateSessionChange(t, s), spendMailTokenChange(t, s), putLockoutChange(t, s),
	}
}

func addUserChange(t *testing.T, s hub.Store) change {
	t.Helper()
	u, taken := newUser("add@example.com"), addUser(t, s, newUser("taken@example.com"))
	return change{
		name: "AddUser", takesMail: true,
		do: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error { return s.AddUser(ctx, u, e, mails...) },
		done: func(t *testing.T) bool {
			_, err := s.UserByID(t.Context(), u.ID)
			return err == nil
		},
		fail: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.AddUser(ctx, newUser(taken.Email), e, mails...)
		},
	}
}

func updateUserChange(t *testing.T, s hub.Store) change {
	t.Helper()
	u := addUser(t, s, newUser("update@example.com"))
	stale := u
	stale.Version = 99
	return change{
		name: "UpdateUser", takesMail: true,
		do: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.UpdateUser(ctx, u, e, mails...)
		},
		done: func(t *testing.T) bool { return storedUser(t, s, u.ID).Version != u.Version },
		fail: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.UpdateUser(ctx, stale, e, mails...)
		},
	}
}

func purgeUserChange(t *testing.T, s hub.Store) change {
	t.Helper()
	u := addUser(t, s, newUser("purge@example.com"))
	return change{
		name: "PurgeUser",
		do: func(ctx context.Context, e hub.Event, _ ...hub.Mail) error {
			return s.PurgeUser(ctx, u.ID, u.Version, e)
		},
		done: func(t *testing.T) bool {
			_, err := s.UserByID(t.Context(), u.ID)
			return err != nil
		},
		fail: func(ctx context.Context, e hub.Event, _ ...hub.Mail) error { return s.PurgeUser(ctx, u.ID, 99, e) },
	}
}

func addSessionChange(t *testing.T, s hub.Store) change {
	t.Helper()
	u := addUser(t, s, newUser("login@example.com"))
	se, late := newSession(u), newSession(u)
	late.Epoch--
	return change{
		name: "AddSession",
		do:   func(ctx context.Context, e hub.Event, _ ...hub.Mail) error { return s.AddSession(ctx, se, e) },
		done: func(t *testing.T) bool {
			_, _, err := s.SessionWithUser(t.Context(), se.ID)
			login := storedUser(t, s, u.ID).LastLoginAt.Equal(se.CreatedAt)
			if login != (err == nil) {
				t.Error("the session was kept without the login's time, or the other way round")
			}
			return err == nil
		},
		fail: func(ctx context.Context, e hub.Event, _ ...hub.Mail) error { return s.AddSession(ctx, late, e) },
	}
}

func updateSessionChange(t *testing.T, s hub.Store) change {
	t.Helper()
	se := addSession(t, s, newSession(addUser(t, s, newUser("refresh@example.com"))))
	stale := se
	stale.Version = 99
	return change{
		name: "UpdateSession",
		do:   func(ctx context.Context, e hub.Event, _ ...hub.Mail) error { return s.UpdateSession(ctx, se, e) },
		done: func(t *testing.T) bool { return storedSession(t, s, se.ID).Version != se.Version },
		fail: func(ctx context.Context, e hub.Event, _ ...hub.Mail) error { return s.UpdateSession(ctx, stale, e) },
	}
}

func spendMailTokenChange(t *testing.T, s hub.Store) change {
	t.Helper()
	u := addUser(t, s, newUser("spend@example.com"))
	m := addMailToken(t, s, u)
	stale := u
	stale.Version = 99
	return change{
		name: "SpendMailToken", takesMail: true,
		do: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.SpendMailToken(ctx, m.ID, start(), u, e, mails...)
		},
		done: func(t *testing.T) bool {
			got, err := s.MailTokenByID(t.Context(), m.ID)
			must(t, "read mail token", err)
			if spent := !got.UsedAt.IsZero(); spent != (storedUser(t, s, u.ID).Version != u.Version) {
				t.Error("the token was spent without changing the user, or the other way round")
			}
			return !got.UsedAt.IsZero()
		},
		fail: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.SpendMailToken(ctx, m.ID, start(), stale, e, mails...)
		},
	}
}

func putLockoutChange(t *testing.T, s hub.Store) change {
	t.Helper()
	l := hub.Lockout{Key: hub.LockoutKey("a@example.com"), Failures: 1}
	return change{
		name: "PutLockout", takesMail: true,
		do: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.PutLockout(ctx, l, &e, mails...)
		},
		done: func(t *testing.T) bool {
			got, err := s.LockoutByKey(t.Context(), l.Key)
			must(t, "read lockout", err)
			return got.Version > 0
		},
		fail: func(ctx context.Context, e hub.Event, mails ...hub.Mail) error {
			return s.PutLockout(ctx, hub.Lockout{Key: l.Key, Version: 99}, &e, mails...)
		},
	}
}

func recordsAreKept(t *testing.T, s hub.Store) {
	for _, c := range changes(t, s) {
		e, mails := newEvent(hub.NewID()), []hub.Mail{newMail(""), newMail("")}
		must(t, c.name, c.do(t.Context(), e, mails...))
		if !c.done(t) || !hasEvent(t, s, e) {
			t.Errorf("%s: the change or its event is not stored", c.name)
		}
		if c.takesMail && !(hasMail(t, s, mails[0].ID) && hasMail(t, s, mails[1].ID)) {
			t.Errorf("%s: its mails are not stored", c.name)
		}
	}
}

func noChangeWithoutEvent(t *testing.T, s hub.Store) {
	used := newEvent("")
	must(t, "add event", s.AddEvent(t.Context(), used))
	for _, c := range changes(t, s) {
		m := newMail("")
		if err := c.do(t.Context(), used, m); err == nil {
			t.Errorf("%s: an event was stored twice", c.name)
		}
		if c.done(t) || hasMail(t, s, m.ID) {
			t.Errorf("%s: the change or its mail is stored without the event", c.name)
		}
		must(t, c.name+" with its event", c.do(t.Context(), newEvent(""), m))
	}
}

func noChangeWithoutMails(t *testing.T, s hub.Store) {
	used := newMail("")
	must(t, "add mail", s.AddMail(t.Context(), used, newEvent("")))
	for _, c := range changes(t, s) {
		if !c.takesMail {
			continue
		}
		e, first := newEvent(hub.NewID()), newMail("")
		if err := c.do(t.Context(), e, first, used); err == nil {
			t.Errorf("%s: a mail was stored twice", c.name)
		}
		if c.done(t) || hasEvent(t, s, e) || hasMail(t, s, first.ID) {
			t.Errorf("%s: a part is stored without the rest", c.name)
		}
	}
	e := newEvent(hub.NewID())
	if err := s.AddMail(t.Context(), used, e); err == nil || hasEvent(t, s, e) {
		t.Error("AddMail: the event is stored without the mail")
	}
}

func noRecordWithoutChange(t *testing.T, s hub.Store) {
	for _, c := range changes(t, s) {
		e, m := newEvent(hub.NewID()), newMail("")
		if err := c.fail(t.Context(), e, m); err == nil {
			t.Errorf("%s: no error", c.name)
		}
		if hasEvent(t, s, e) || hasMail(t, s, m.ID) {
			t.Errorf("%s: an event or a mail tells of what was not done", c.name)
		}
	}
}
