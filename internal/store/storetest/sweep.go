package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func sweepTests() []test {
	return []test{
		{"SweepForgetsWhatHasExpired", sweepForgetsExpired},
		{"SweepKeepsLockoutsThatCount", sweepKeepsLockouts},
		{"SweepKeepsRecordsAsLongAsAsked", sweepKeepsRecords},
		{"SweepStopsAtItsLimit", sweepStopsAtLimit},
	}
}

// sweep sweeps until nothing is left, and returns how much went.
func sweep(t *testing.T, s hub.Store, keep hub.Retention, limit int) int {
	t.Helper()
	total := 0
	for range 1000 {
		n, err := s.Sweep(t.Context(), start(), keep, limit)
		must(t, "sweep", err)
		if n > limit {
			t.Errorf("%d things went in one step, the limit is %d", n, limit)
		}
		total += n
		if n == 0 {
			return total
		}
	}
	t.Fatal("the sweep does not end")
	return total
}

func sweepForgetsExpired(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	u := addUser(t, s, newUser("a@example.com"))
	soon := now.Add(time.Millisecond)
	var checks []func()
	for name, tt := range map[string]struct {
		change func(*hub.Session)
		kept   bool
	}{
		"live":          {func(*hub.Session) {}, true},
		"ended":         {func(se *hub.Session) { se.End(now) }, true},
		"about to end":  {func(se *hub.Session) { se.ExpiresAt, se.Token.ExpiresAt = soon, soon }, true},
		"at its end":    {func(se *hub.Session) { se.ExpiresAt = now }, false},
		"idle too long": {func(se *hub.Session) { se.Token.ExpiresAt = now }, false},
		"long ago":      {func(se *hub.Session) { se.ExpiresAt, se.Token.ExpiresAt = now.Add(-time.Hour), now.Add(-time.Hour) }, false},
	} {
		se := addSession(t, s, newSession(u, tt.change))
		checks = append(checks, func() {
			if _, _, err := s.SessionWithUser(ctx, se.ID); (err == nil) != tt.kept {
				t.Errorf("session %s: kept is %v", name, err == nil)
			}
		})
	}
	live, expired := newMailToken(u), newMailToken(u)
	live.ExpiresAt, expired.ExpiresAt = soon, now
	must(t, "add mail token", s.AddMailToken(ctx, live))
	must(t, "add mail token", s.AddMailToken(ctx, expired))

	if n := sweep(t, s, hub.Retention{}, 100); n != 4 {
		t.Errorf("%d things went, want 4", n)
	}
	for _, check := range checks {
		check()
	}
	_, err := s.MailTokenByID(ctx, live.ID)
	must(t, "read the live token", err)
	_, err = s.MailTokenByID(ctx, expired.ID)
	wantError(t, "read the expired token", err, hub.ErrNotFound)
	storedUser(t, s, u.ID)
}

func sweepKeepsLockouts(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	past, future := now.Add(-30*24*time.Hour), now.Add(time.Millisecond)
	var checks []func()
	for name, tt := range map[string]struct {
		lockout hub.Lockout
		kept    bool
	}{
		"failed just now":     {hub.Lockout{Failures: 1, LastFailureAt: now, PendingUntil: past}, true},
		"failed days ago":     {hub.Lockout{Failures: 1, LastFailureAt: now.Add(-6 * 24 * time.Hour)}, true}, // a lock of a week may be configured
		"locked":              {hub.Lockout{LockedUntil: future, LastFailureAt: past}, true},
		"being checked":       {hub.Lockout{Pending: 1, PendingUntil: future}, true},
		"checked a month ago": {hub.Lockout{Pending: 1, PendingUntil: past}, false},
		"failed a month ago":  {hub.Lockout{Failures: 4, LastFailureAt: past, PendingUntil: past}, false},
		"locked a month ago":  {hub.Lockout{LockedUntil: past, LastFailureAt: past, PendingUntil: past}, false},
		"cleared":             {hub.Lockout{PendingUntil: now}, false},
	} {
		tt.lockout.Key = name
		must(t, "put lockout", s.PutLockout(ctx, tt.lockout, nil))
		checks = append(checks, func() {
			if got, err := s.LockoutByKey(ctx, name); err != nil || (got.Version > 0) != tt.kept {
				t.Errorf("lockout %s: kept is %v, %v", name, got.Version > 0, err)
			}
		})
	}
	if n := sweep(t, s, hub.Retention{}, 100); n != 4 {
		t.Errorf("%d lockouts went, want 4", n)
	}
	for _, check := range checks {
		check()
	}
}

func sweepKeepsRecords(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	const day = 24 * time.Hour
	states := []hub.MailState{hub.MailQueued, hub.MailSent, hub.MailDropped, hub.MailDead}
	for _, state := range states {
		for _, age := range []time.Duration{day, day + time.Millisecond} {
			m := newMail("")
			m.State, m.UpdatedAt = state, now.Add(-age)
			e := newEvent(string(state))
			e.At = now.Add(-2 * age)
			must(t, "add mail", s.AddMail(ctx, m, e))
		}
	}
	if n := sweep(t, s, hub.Retention{}, 100); n != 0 {
		t.Errorf("%d things went that are kept forever", n)
	}
	if n := sweep(t, s, hub.Retention{Mails: day}, 100); n != 3 {
		t.Errorf("%d mails went, want the 3 older ones that are done", n)
	}
	if n := sweep(t, s, hub.Retention{Events: 2 * day}, 100); n != 4 {
		t.Errorf("%d events went, want the 4 older ones", n)
	}
	stats, err := s.Stats(ctx, now)
	must(t, "stats", err)
	wantSame(t, "mails left", stats.Mails, map[hub.MailState]int{hub.MailQueued: 2, hub.MailSent: 1, hub.MailDropped: 1, hub.MailDead: 1})
}

func sweepStopsAtLimit(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	u := addUser(t, s, newUser("a@example.com"))
	total := 0
	for i := range 5 {
		addSession(t, s, newSession(u, func(se *hub.Session) { se.ExpiresAt, se.Token.ExpiresAt = now, now }))
		m := newMailToken(u)
		m.ExpiresAt = now
		must(t, "add mail token", s.AddMailToken(ctx, m))
		must(t, "put lockout", s.PutLockout(ctx, hub.Lockout{Key: fmt.Sprint(i)}, nil))
		total += 3
	}
	if n, err := s.Sweep(ctx, now, hub.Retention{}, 0); n != 0 || err != nil {
		t.Errorf("a sweep of nothing took %d, %v", n, err)
	}
	if n, err := s.Sweep(ctx, now, hub.Retention{}, 7); n != 7 || err != nil {
		t.Errorf("a sweep of 7 took %d, %v", n, err)
	}
	if n := sweep(t, s, hub.Retention{}, 3); n != total-7 {
		t.Errorf("%d went, want the other %d", n, total-7)
	}
}
