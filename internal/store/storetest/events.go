package storetest

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

func eventTests() []test {
	return []test{
		{"EventsRoundTrip", eventsRoundTrip},
		{"EventsNewestFirst", eventsNewestFirst},
	}
}

func eventsRoundTrip(t *testing.T, s hub.Store) {
	for name, e := range map[string]hub.Event{
		"full": newEvent(hub.NewID()),
		"bare": {ID: hub.NewID(), Kind: hub.EventLoginFailed, At: start().Add(time.Hour), TargetID: "someone"},
	} {
		must(t, "add event", s.AddEvent(t.Context(), e))
		got, err := s.Events(t.Context(), hub.EventQuery{UserID: e.TargetID, Limit: 10})
		must(t, "list events", err)
		wantSame(t, name+" event", got, []hub.Event{e})
	}
}

func eventsNewestFirst(t *testing.T, s hub.Store) {
	ctx, user := t.Context(), hub.NewID()
	add := func(after int, actor, target string) hub.Event {
		e := newEvent(target)
		e.ActorID, e.At = actor, start().Add(time.Duration(after)*time.Second)
		must(t, "add event", s.AddEvent(ctx, e))
		return e
	}
	second := add(20, user, "x")
	fourth := add(0, "x", user)
	add(5, "x", "y")
	first := add(30, "x", user)
	third := add(10, user, user) // once, although both sides are the user
	add(40, "", "")

	of := []hub.Event{first, second, third, fourth}
	for _, limit := range []int{1, 2, 3, 4, 10} {
		got, err := s.Events(ctx, hub.EventQuery{UserID: user, Limit: limit})
		must(t, "list events", err)
		wantSame(t, "events of a user", got, of[:min(limit, len(of))])
	}
	all, err := s.Events(ctx, hub.EventQuery{Limit: 10})
	must(t, "list events", err)
	if len(all) != 6 {
		t.Fatalf("%d events, want 6", len(all))
	}
	for i := range len(all) - 1 {
		if all[i].At.Before(all[i+1].At) {
			t.Errorf("event %d is older than the one behind it", i)
		}
	}
}
