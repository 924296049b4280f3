package hub_test

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

var lockoutPolicy = hub.LockoutPolicy{MaxFailures: 5, Duration: 15 * time.Minute}

func TestLockoutHandsOutNoMoreChecksThanFailuresAreLeft(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var l hub.Lockout
	for range 5 {
		if v := l.Begin(lockoutPolicy, now); v != hub.LockoutProceed {
			t.Fatalf("verdict %v, want proceed", v)
		}
	}
	if v := l.Begin(lockoutPolicy, now); v != hub.LockoutWait {
		t.Fatalf("sixth check at once: verdict %v, want wait", v)
	}
	l.Abandon()
	if v := l.Begin(lockoutPolicy, now); v != hub.LockoutProceed {
		t.Fatalf("after one was abandoned: verdict %v, want proceed", v)
	}
	for i := range 5 {
		if locked := l.Fail(lockoutPolicy, now); locked != (i == 4) {
			t.Fatalf("failure %d: locked = %v", i+1, locked)
		}
	}
	for _, after := range []time.Duration{0, time.Minute, 15*time.Minute - 1} {
		if v := l.Begin(lockoutPolicy, now.Add(after)); v != hub.LockoutLocked {
			t.Errorf("%v into the lock: verdict %v, want locked", after, v)
		}
	}
	if v := l.Begin(lockoutPolicy, now.Add(15*time.Minute)); v != hub.LockoutProceed {
		t.Errorf("after the lock: verdict %v, want proceed", v)
	}
}

func TestLockoutForgetsOldFailuresSuccessesAndDeadChecks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	fail := func(l *hub.Lockout, n int, at time.Time) {
		for range n {
			if v := l.Begin(lockoutPolicy, at); v != hub.LockoutProceed {
				t.Fatalf("verdict %v, want proceed", v)
			}
			if l.Fail(lockoutPolicy, at) {
				t.Fatal("locked too early")
			}
		}
	}
	t.Run("four, the window passes, four", func(t *testing.T) {
		var l hub.Lockout
		fail(&l, 4, now)
		fail(&l, 4, now.Add(lockoutPolicy.Duration))
	})
	t.Run("four, success, four", func(t *testing.T) {
		var l hub.Lockout
		fail(&l, 4, now)
		l.Begin(lockoutPolicy, now)
		l.Succeed()
		fail(&l, 4, now)
	})
	t.Run("checks whose process died give their places back", func(t *testing.T) {
		var l hub.Lockout
		for range 5 {
			l.Begin(lockoutPolicy, now)
		}
		if v := l.Begin(lockoutPolicy, now.Add(time.Minute)); v != hub.LockoutProceed || l.Pending != 1 {
			t.Errorf("verdict %v with %d pending, want proceed with 1", v, l.Pending)
		}
	})
}
