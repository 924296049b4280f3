package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func contextTests() []test {
	return []test{
		{"NothingIsDoneForACancelledCaller", nothingForCancelled},
		{"APassedDeadlineIsNoFaultOfOurs", passedDeadline},
		{"ACancelledCallerHurtsNobody", cancelledHurtsNobody},
		{"PingAnswers", pingAnswers},
	}
}

func nothingForCancelled(t *testing.T, s hub.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range changes(t, s) {
		e, m := newEvent(hub.NewID()), newMail("")
		wantError(t, c.name, c.do(ctx, e, m), context.Canceled)
		if c.done(t) || hasEvent(t, s, e) || hasMail(t, s, m.ID) {
			t.Errorf("%s: done for a caller who had left", c.name)
		}
	}
	u := addUser(t, s, newUser("a@example.com"))
	for name, err := range readErrors(ctx, s, u) {
		wantError(t, name, err, context.Canceled)
	}
}

// readErrors calls every method that reads, and those that change something without an event.
func readErrors(ctx context.Context, s hub.Store, u hub.User) map[string]error {
	errs := make(map[string]error)
	_, errs["UserByID"] = s.UserByID(ctx, u.ID)
	_, errs["UserByEmail"] = s.UserByEmail(ctx, u.Email)
	_, errs["Users"] = s.Users(ctx, hub.UserQuery{Limit: 1})
	_, errs["PurgeableUsers"] = s.PurgeableUsers(ctx, start(), start(), 1)
	_, _, errs["SessionWithUser"] = s.SessionWithUser(ctx, "s")
	_, errs["SessionsByUser"] = s.SessionsByUser(ctx, u.ID, start(), 1)
	_, errs["MailTokenByID"] = s.MailTokenByID(ctx, "m")
	_, errs["LockoutByKey"] = s.LockoutByKey(ctx, "k")
	_, errs["DueMails"] = s.DueMails(ctx, start(), 1)
	_, errs["Events"] = s.Events(ctx, hub.EventQuery{Limit: 1})
	_, errs["Stats"] = s.Stats(ctx, start())
	_, errs["Sweep"] = s.Sweep(ctx, start(), hub.Retention{}, 1)
	errs["Ping"] = s.Ping(ctx)
	errs["AddMailToken"] = s.AddMailToken(ctx, newMailToken(u))
	errs["AddMail"] = s.AddMail(ctx, newMail(""), newEvent(""))
	errs["UpdateMail"] = s.UpdateMail(ctx, newMail(""))
	errs["AddEvent"] = s.AddEvent(ctx, newEvent(""))
	return errs
}

func passedDeadline(t *testing.T, s hub.Store) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	u := addUser(t, s, newUser("a@example.com"))
	for name, err := range readErrors(ctx, s, u) {
		if !errors.Is(err, hub.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, want that the database is unavailable", name, err)
		}
	}
}

// cancelledHurtsNobody has callers leave in the middle of their call; the others' calls succeed.
func cancelledHurtsNobody(t *testing.T, s hub.Store) {
	errs := atOnce(contenders, func(i int) error {
		u := newUser(hub.NewID() + "@example.com")
		if i%2 == 0 {
			return s.AddUser(t.Context(), u, newEvent(u.ID))
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			cancel()
		}()
		err := s.AddUser(ctx, u, newEvent(u.ID))
		<-gone
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	wantErrors(t, errs, contenders, nil)
	page, err := s.Users(t.Context(), hub.UserQuery{Limit: 1})
	must(t, "list users", err)
	if page.Total < contenders/2 {
		t.Errorf("%d users, want at least the %d whose callers stayed", page.Total, contenders/2)
	}
}

func pingAnswers(t *testing.T, s hub.Store) {
	must(t, "ping", s.Ping(t.Context()))
	addUser(t, s, newUser("a@example.com"))
	must(t, "ping", s.Ping(t.Context()))
}
