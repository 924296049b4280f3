package storetest

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

func lockoutTests() []test {
	return []test{
		{"LockoutsRoundTrip", lockoutsRoundTrip},
		{"PutLockoutWantsTheStoredVersion", putLockoutWantsVersion},
		{"ALockoutNeedsNoEvent", lockoutNeedsNoEvent},
	}
}

func lockoutsRoundTrip(t *testing.T, s hub.Store) {
	ctx, key := t.Context(), hub.LockoutKey("a@example.com")
	got, err := s.LockoutByKey(ctx, key)
	must(t, "read lockout", err)
	wantSame(t, "lockout that is not stored", got, hub.Lockout{Key: key})
	for _, l := range []hub.Lockout{
		{Key: key},
		{Key: key, Failures: 4, Pending: 2, PendingUntil: start().Add(time.Minute), LastFailureAt: start(), LockedUntil: start().Add(15 * time.Minute), Version: 1},
		{Key: key, PendingUntil: start().Add(time.Minute), Version: 2},
	} {
		must(t, "put lockout", s.PutLockout(ctx, l, nil))
		l.Version++
		got, err := s.LockoutByKey(ctx, key)
		must(t, "read lockout", err)
		wantSame(t, "lockout", got, l)
	}
}

func putLockoutWantsVersion(t *testing.T, s hub.Store) {
	ctx := t.Context()
	l := hub.Lockout{Key: hub.LockoutKey("a@example.com"), Failures: 1}
	for _, version := range []int64{1, -1} {
		l.Version = version
		wantError(t, "put of a later version first", s.PutLockout(ctx, l, nil), hub.ErrConflict)
	}
	l.Version = 0
	must(t, "put", s.PutLockout(ctx, l, nil))
	for _, version := range []int64{0, 2} {
		stale := l
		stale.Version, stale.Failures = version, 9
		wantError(t, "put of another version", s.PutLockout(ctx, stale, nil), hub.ErrConflict)
	}
	l.Version = 1
	got, err := s.LockoutByKey(ctx, l.Key)
	must(t, "read lockout", err)
	wantSame(t, "lockout after stale puts", got, l)
}

func lockoutNeedsNoEvent(t *testing.T, s hub.Store) {
	must(t, "put lockout", s.PutLockout(t.Context(), hub.Lockout{Key: "k"}, nil))
	events, err := s.Events(t.Context(), hub.EventQuery{Limit: 10})
	must(t, "list events", err)
	if len(events) != 0 {
		t.Errorf("%d events, want none", len(events))
	}
}
