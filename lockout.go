package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Lockout counts failed password checks for one canonical e-mail address, whether an account has it or not. A check
// first takes a place with [Lockout.Begin], then does the hashing, then returns the place with [Lockout.Succeed],
// [Lockout.Fail] or [Lockout.Abandon]; so no number of simultaneous guesses gets more hashes than failures are left.
// The methods are pure; a store makes each change atomic by its version.
type Lockout struct {
	Key           string // see LockoutKey
	Failures      int
	Pending       int       // checks begun and not yet decided
	PendingUntil  time.Time // when undecided checks are forgotten: their process died; never goes back
	LastFailureAt time.Time
	LockedUntil   time.Time
	Version       int64 // 0: not stored yet
}

// LockoutPolicy says how many failures lock an address, and for how long. A MaxFailures of zero switches lockout off.
type LockoutPolicy struct {
	MaxFailures int
	Duration    time.Duration // of the lock; also how long a failure counts
}

// pendingLease is how long an undecided check holds its place if its process dies. It exceeds any request's life.
const pendingLease = time.Minute

// LockoutKey returns the key for a canonical address: a hash, so that the table does not list who was tried.
func LockoutKey(email string) string {
	sum := sha256.Sum256([]byte(email))
	return hex.EncodeToString(sum[:])
}

// LockoutVerdict is the answer to [Lockout.Begin].
type LockoutVerdict uint8

// The verdicts.
const (
	LockoutProceed LockoutVerdict = iota + 1 // a place was taken: check the password and report
	LockoutWait                              // all remaining tries are being checked: ask again when one is decided
	LockoutLocked                            // refuse until LockedUntil
)

// Begin takes a place for one check. Only on LockoutProceed did it change l.
func (l *Lockout) Begin(p LockoutPolicy, now time.Time) LockoutVerdict {
	if now.Before(l.LockedUntil) {
		return LockoutLocked
	}
	failures, pending := l.Failures, l.Pending
	if now.Sub(l.LastFailureAt) >= p.Duration {
		failures = 0
	}
	if !now.Before(l.PendingUntil) {
		pending = 0
	}
	if failures+pending >= p.MaxFailures {
		return LockoutWait
	}
	l.Failures, l.Pending = failures, pending+1
	if lease := now.Add(pendingLease); lease.After(l.PendingUntil) {
		l.PendingUntil = lease
	}
	return LockoutProceed
}

// Succeed returns a place: the password was right. All failures are forgotten.
func (l *Lockout) Succeed() {
	l.release()
	l.Failures = 0
	l.LastFailureAt, l.LockedUntil = time.Time{}, time.Time{}
}

// Fail returns a place: the password was wrong. It reports whether that locked the address.
func (l *Lockout) Fail(p LockoutPolicy, now time.Time) (locked bool) {
	l.release()
	l.Failures++
	l.LastFailureAt = now
	if l.Failures < p.MaxFailures {
		return false
	}
	l.Failures = 0
	l.LockedUntil = now.Add(p.Duration)
	return true
}

// Abandon returns a place without a verdict, such as when hashing was refused for overload.
func (l *Lockout) Abandon() { l.release() }

func (l *Lockout) release() { l.Pending = max(0, l.Pending-1) }

// lockoutMemory is how long a failed check may count: the longest lock that can be configured. Stores do not know the
// policy, so they keep every failure as long as some policy could ask for it.
const lockoutMemory = 7 * 24 * time.Hour

// ExpiresAt returns the time from which on the lockout is as good as none, under any policy.
func (l *Lockout) ExpiresAt() time.Time {
	last := l.PendingUntil
	if l.LockedUntil.After(last) {
		last = l.LockedUntil
	}
	if counts := l.LastFailureAt.Add(lockoutMemory); l.Failures > 0 && counts.After(last) {
		last = counts
	}
	return last
}

// stampBits is how many bits of a lockout's stamp its version takes.
const stampBits = 20

// Stamp orders the states of one key's lockout. Its versions cannot: they start anew when a lockout was forgotten in
// between. But every new one is pending for longer than the one before.
func (l *Lockout) Stamp() int64 {
	return max(0, l.PendingUntil.UnixMilli())<<stampBits | l.Version&(1<<stampBits-1)
}

// SplitLockoutStamp returns what a stamp is made of. A zero PendingUntil comes back as the Unix epoch.
func SplitLockoutStamp(stamp int64) (pendingUntil time.Time, version int64) {
	return time.UnixMilli(stamp >> stampBits).UTC(), stamp & (1<<stampBits - 1)
}
