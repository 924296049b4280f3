package app_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// Every instance sweeps and purges. What one has taken, another must neither stumble over nor take again.
func TestInstancesTidyUpSideBySide(t *testing.T) {
	t.Parallel()
	rules := hubtest.Settings{"UNVERIFIED_PURGE": "24h"}
	h := hubtest.Start(t, rules)
	hubs := []*hubtest.Hub{h, h.Again(t, rules), h.Again(t, rules)}
	keep := h.SignUp(t, hub.RoleUser)
	h.Edit(t, keep.ID, func(u *hub.User) { u.IsEmailVerified = true })
	gone := make(map[string]int)
	for n := range 30 {
		id := h.Register(t, fmt.Sprintf("gone%d@example.com", n))
		h.Login(t, fmt.Sprintf("gone%d@example.com", n), hubtest.Password)
		gone[id] = 0
	}
	var tidying sync.WaitGroup
	for _, h := range hubs {
		h.Clock.Step(25 * time.Hour)
		tidying.Go(func() {
			for range 2 { // a round in which all it found were others' ends early
				if err := h.App.Tidy(t.Context()); err != nil {
					t.Errorf("tidy up: %v", err)
				}
			}
		})
	}
	tidying.Wait()
	trail, err := h.Store.Events(t.Context(), hub.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range trail {
		if e.Kind == hub.EventUserPurged {
			gone[e.TargetID]++
		}
	}
	for id, times := range gone {
		if times != 1 {
			t.Errorf("user %s was purged %d times", id, times)
		}
	}
	h.TryLogin(t, keep.Email, hubtest.Password).Want(t, 200)
}
