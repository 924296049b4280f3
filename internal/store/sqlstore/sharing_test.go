package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// occupy opens as many transactions as there may be, and returns a function that lets one of them end. The others end with the
// test, so that whoever waits gets the same one.
func occupy(t *testing.T, s *Store) (free func()) {
	t.Helper()
	var ended sync.WaitGroup
	gate := make(chan struct{})
	for range cap(writerOf(t, s).open) {
		begun := make(chan struct{}) // one after the other, or two might share one
		ended.Go(func() {
			_ = s.write(t.Context(), "wait", func(*tx) error { // it may have waited for too long
				close(begun)
				<-gate
				return nil
			})
		})
		<-begun
	}
	t.Cleanup(func() {
		close(gate)
		ended.Wait()
	})
	return func() { gate <- struct{}{} }
}

func writerOf(t *testing.T, s *Store) *serverWriter {
	t.Helper()
	w, ok := s.writer.(*serverWriter)
	if !ok {
		t.Fatalf("a writer of type %T", s.writer)
	}
	return w
}

// shares has the store do units that have to share transactions, and returns what each got.
func shares(t *testing.T, s *Store, units ...func(*tx) error) []error {
	t.Helper()
	free := occupy(t, s)
	results := make([]error, len(units))
	var wg sync.WaitGroup
	for i, run := range units {
		wg.Go(func() { results[i] = s.write(t.Context(), fmt.Sprint("unit ", i), run) })
		queued(t, s, i+1)
	}
	free()
	wg.Wait()
	return results
}

// queued waits until n units wait.
func queued(t *testing.T, s *Store, n int) {
	t.Helper()
	w := writerOf(t, s)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(w.waiting) < n {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%d units wait, not %d", len(w.waiting), n)
		}
	}
}

// raises returns a unit that raises a lockout, keeps an event, and notes its transaction.
func raises(t *testing.T, s *Store, key string, in *[]*tx) func(*tx) error {
	t.Helper()
	e := hub.NewEvent(t.Context(), hub.EventUserUpdated, key, time.Now())
	rec, err := s.newRecord(&e, nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	return func(tx *tx) error {
		mu.Lock()
		*in = append(*in, tx)
		mu.Unlock()
		if err := tx.change(raise, key); err != nil {
			return err
		}
		return rec.keep(tx)
	}
}

func events(t *testing.T, s *Store, target string) int {
	t.Helper()
	all, err := s.Events(t.Context(), hub.EventQuery{UserID: target, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestUnitsThatWaitShareATransaction has one of them find nothing to change, which is no fault of the others.
func TestUnitsThatWaitShareATransaction(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a", "b")
	var a, b, none []*tx
	results := shares(t, s, raises(t, s, "a", &a), raises(t, s, "missing", &none), raises(t, s, "b", &b))
	if results[0] != nil || !errors.Is(results[1], hub.ErrConflict) || results[2] != nil {
		t.Errorf("results %v, want that only the second found nothing", results)
	}
	if len(a) != 1 || len(b) != 1 || a[0] != b[0] {
		t.Errorf("transactions %v and %v, want one", a, b)
	}
	for key, want := range map[string]int{"a": 1, "b": 1, "missing": 0} {
		if n := events(t, s, key); n != want {
			t.Errorf("%d events of %s, want %d", n, key, want)
		}
	}
	if failures(t, s, "a") != 1 || failures(t, s, "b") != 1 {
		t.Error("the changes are not there once")
	}
}

// TestAUnitThatFailsHalfwayIsUndoneAlone has one fail after it has changed something.
func TestAUnitThatFailsHalfwayIsUndoneAlone(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a", "b", "c")
	var a, b, c []*tx
	broken := errors.New("broken")
	half := raises(t, s, "b", &b)
	results := shares(t, s, raises(t, s, "a", &a), func(tx *tx) error { return errors.Join(half(tx), broken) }, raises(t, s, "c", &c))
	if results[0] != nil || !errors.Is(results[1], broken) || results[2] != nil {
		t.Errorf("results %v, want that only the second is broken", results)
	}
	for key, want := range map[string]int{"a": 1, "b": 0, "c": 1} {
		if n, of := failures(t, s, key), events(t, s, key); n != want || of != want {
			t.Errorf("%s was raised %d times, with %d events, want %d", key, n, of, want)
		}
	}
	if len(a) != 2 || a[0] == a[1] {
		t.Errorf("the first was run in %v, want in two transactions", a)
	}
}

// TestAnEventThatCannotBeKeptIsItsOwnUnitsFault has the server refuse one of the events that go together.
func TestAnEventThatCannotBeKeptIsItsOwnUnitsFault(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a", "b")
	var a, b []*tx
	bad := raises(t, s, "b", &b)
	results := shares(t, s, raises(t, s, "a", &a), func(tx *tx) error {
		err := bad(tx)
		last := tx.events[len(tx.events)-1]
		tx.events[len(tx.events)-1] = append([]any{nil}, last[1:]...)
		return err
	})
	if results[0] != nil || results[1] == nil || errors.Is(results[1], hub.ErrUnavailable) {
		t.Errorf("results %v, want that only the second is refused", results)
	}
	if n, of := failures(t, s, "a"), events(t, s, "a"); n != 1 || of != 1 {
		t.Errorf("a was raised %d times, with %d events", n, of)
	}
	if n, of := failures(t, s, "b"), events(t, s, "b"); n != 0 || of != 0 {
		t.Errorf("b was raised %d times, with %d events", n, of)
	}
}

// TestALostConnectionIsRepeatedForAll kills the connection of a shared transaction.
func TestALostConnectionIsRepeatedForAll(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a", "b", "c")
	var a, b, c []*tx
	kill := killOf(t, s)
	second := raises(t, s, "b", &b)
	results := shares(t, s, raises(t, s, "a", &a), func(tx *tx) error {
		if len(b) == 0 {
			kill(tx)
		}
		return second(tx)
	}, raises(t, s, "c", &c))
	if err := errors.Join(results...); err != nil {
		t.Error(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		if n, of := failures(t, s, key), events(t, s, key); n != 1 || of != 1 {
			t.Errorf("%s was raised %d times, with %d events", key, n, of)
		}
	}
}

// TestWhoLeavesWhileWaitingIsNotServed has a caller leave before there is a transaction for them.
func TestWhoLeavesWhileWaitingIsNotServed(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a", "b")
	free := occupy(t, s)
	var a, b []*tx
	ctx, leave := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() { left <- s.write(ctx, "raise", raises(t, s, "a", &a)) }()
	queued(t, s, 1)
	go func() { stayed <- s.write(t.Context(), "raise", raises(t, s, "b", &b)) }()
	queued(t, s, 2)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left got %v", err)
	}
	free()
	if err := <-stayed; err != nil {
		t.Errorf("who stayed got %v", err)
	}
	if n := failures(t, s, "a"); n != 0 {
		t.Errorf("the unit of a caller who left was done %d times", n)
	}
}

// TestAPanicInASharedTransactionLeavesNothingHalfDone has a unit panic beside another.
func TestAPanicInASharedTransactionLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	addLockouts(t, s, "a")
	free := occupy(t, s)
	var (
		a  []*tx
		wg sync.WaitGroup
	)
	panics := func() {
		defer func() { _ = recover() }()
		_ = s.write(t.Context(), "panic", func(*tx) error { panic("a fault of ours") })
	}
	wg.Go(panics)
	queued(t, s, 1)
	var result error
	wg.Go(func() {
		defer func() { _ = recover() }() // whoever writes for others meets their panic
		result = errors.New("panicked")
		result = s.write(t.Context(), "raise", raises(t, s, "a", &a))
	})
	queued(t, s, 2)
	free()
	wg.Wait()
	before := failures(t, s, "a")
	if (result == nil) != (before == 1) {
		t.Errorf("raised %d times, with the result %v", before, result)
	}
	if err := s.write(t.Context(), "raise", raises(t, s, "a", &a)); err != nil || failures(t, s, "a") != before+1 {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAServerFarAwayHasMoreTransactionsOpen(t *testing.T) {
	t.Parallel()
	for roundTrip, want := range map[time.Duration]int{30 * time.Microsecond: 2, 350 * time.Microsecond: 5, 2 * time.Millisecond: 8, time.Minute: 8} {
		if got := transactionsFor(roundTrip); got != want {
			t.Errorf("%v away: %d transactions, want %d", roundTrip, got, want)
		}
	}
	s := openServerForTest(t)
	_, roundTrip, err := checkServer(t.Context(), s.server)
	if err != nil || roundTrip <= 0 {
		t.Errorf("a round trip of %v, %v", roundTrip, err)
	}
}
