package mail

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

// These tests run the queue by the fake clock of synctest: time passes when all goroutines wait.

// run starts the queue and returns what stops it and waits.
func run(t *testing.T, q *Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestRunLooksEachSecondAndAtOnceWhenWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, box := newMailStore(), &outbox{}
		q := newQueue(t, store, box, time.Now)
		defer run(t, q)()
		synctest.Wait()
		for i, wake := range []bool{false, true, true, false} {
			if err := store.AddMail(t.Context(), queued(fmt.Sprint(i), time.Now()), hub.Event{}); err != nil {
				t.Fatal(err)
			}
			if wake {
				q.Wake()
			} else {
				<-time.After(pollInterval)
			}
			synctest.Wait()
			if n := len(box.ids()); n != i+1 {
				t.Fatalf("mail %d, woken %v: %d sent", i, wake, n)
			}
		}
	})
}

func TestRunKeepsMailsOfOneRecipientInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMailStore()
		var want []string
		for i := range 9 {
			m := queued(fmt.Sprint(i), time.Now().Add(-time.Hour+time.Duration(i)))
			store.mails[m.ID] = m
			want = append(want, m.ID+".1@example.com")
		}
		other := queued("other", time.Now())
		other.To = "bob@example.com"
		store.mails[other.ID] = other
		var log sync.Map
		box := &outbox{do: func(_ context.Context, m Message) error {
			if m.To != other.To {
				<-time.After(time.Second) // while which the other workers look for something to do
			}
			log.Store(m.ID, time.Now())
			return nil
		}}
		q := newQueue(t, store, box, time.Now)
		q.Workers = 4
		start := time.Now()
		stop := run(t, q)
		<-time.After(time.Minute)
		stop()
		ids := box.ids()
		i := slices.Index(ids, "other.1@example.com")
		if i < 0 {
			t.Fatal("the other recipient got nothing")
		}
		if at, _ := log.Load(ids[i]); at.(time.Time).Sub(start) > 2*pollInterval {
			t.Errorf("the other recipient waited until %v", at)
		}
		if diff := cmp.Diff(want, slices.Delete(ids, i, i+1)); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestRunFinishesTheMailInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMailStore(queued("a", time.Now()), queued("b", time.Now()))
		sending := make(chan struct{})
		box := &outbox{do: func(ctx context.Context, _ Message) error {
			close(sending) // a second mail would panic
			select {
			case <-time.After(5 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		stop := run(t, newQueue(t, store, box, time.Now))
		<-sending
		stop()
		if got := store.mails["a"]; got.State != hub.MailSent {
			t.Errorf("mail in hand is %s: %s", got.State, got.LastError)
		}
		if got := store.mails["b"]; got.Attempts != 0 {
			t.Error("took another mail after being stopped")
		}
	})
}

func TestRunIsNotStoppedByAHangingServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMailStore()
		for i := range 3 {
			m := queued(fmt.Sprint(i), time.Now())
			m.To = fmt.Sprintf("u%d@example.com", i)
			store.mails[m.ID] = m
		}
		box := &outbox{do: func(ctx context.Context, m Message) error {
			if m.To == "u0@example.com" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}}
		stop := run(t, newQueue(t, store, box, time.Now))
		<-time.After(10 * time.Second)
		if n := len(box.ids()); n != 2 {
			t.Errorf("%d others sent meanwhile, want 2", n)
		}
		<-time.After(25 * time.Second)
		if got := store.mails["0"]; got.State != hub.MailQueued || got.LastError != context.DeadlineExceeded.Error() {
			t.Errorf("%s, %q", got.State, got.LastError)
		}
		stop()
	})
}

func TestRunSurvivesAnOutageOfTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, box := newMailStore(queued("a", time.Now())), &outbox{}
		store.fail(20)
		stop := run(t, newQueue(t, store, box, time.Now))
		<-time.After(10 * time.Minute)
		stop()
		if n := len(box.ids()); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

func TestOutcomeIsStoredAfterAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMailStore(queued("a", time.Now()))
		box := &outbox{do: func(context.Context, Message) error {
			store.fail(10)
			return nil
		}}
		sent, err := newQueue(t, store, box, time.Now).DeliverDue(t.Context())
		if sent != 1 || err != nil || store.only(t).State != hub.MailSent {
			t.Errorf("sent %d, %v, %s", sent, err, store.only(t).State)
		}
		store.mails["b"] = queued("b", time.Now())
		box.do = func(context.Context, Message) error {
			store.fail(1000)
			return nil
		}
		if _, err := newQueue(t, store, box, time.Now).DeliverDue(t.Context()); err == nil {
			t.Error("an outcome lost for good gave no error")
		}
	})
}
