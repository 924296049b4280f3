package mail

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// The promises of the store that the queue builds on, by a real one: two processes on one database, and one of them dies.
func TestQueuesOverOneDatabase(t *testing.T) {
	t.Parallel()
	const mails = 60
	config := sqlstore.Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true}
	clock, box := &stepClock{now: noon.Add(123456 * time.Nanosecond)}, &outbox{}
	var queues []*Queue
	for range 2 {
		store, err := sqlstore.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		queues = append(queues, newQueue(t, store, box, clock.Now))
	}
	for i := range mails {
		m := hub.NewMail(hub.MailReset, "", fmt.Sprintf("u%d@example.com", i), clock.Now())
		e := hub.NewEvent(t.Context(), hub.EventResetAsked, "", clock.Now())
		if err := queues[0].Store.AddMail(t.Context(), m, e); err != nil {
			t.Fatal(err)
		}
	}
	abandoned, found, err := queues[0].claimNext(t.Context())
	if err != nil || !found {
		t.Fatalf("claim: %v, %v", found, err)
	}
	deliver := func() {
		var group sync.WaitGroup
		for _, q := range queues {
			group.Go(func() {
				if _, err := q.DeliverDue(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	deliver()
	if n := len(box.ids()); n != mails-1 {
		t.Errorf("sent %d while one was claimed, want %d", n, mails-1)
	}
	queues[0].release(abandoned.To) // as the death of its process does
	clock.set(abandoned.DueAt)
	deliver()
	ids := box.ids()
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != mails || len(ids) != mails {
		t.Errorf("sent %d messages, %d different, want %d", len(ids), n, mails)
	}
	if !slices.Contains(ids, abandoned.ID+".2@example.com") {
		t.Error("the abandoned mail was not taken over")
	}
}
