package hub_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func TestSessionIsLive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name   string
		change func(*hub.Session, *hub.User)
		want   bool
	}{
		{"as begun", func(*hub.Session, *hub.User) {}, true},
		{"ended", func(s *hub.Session, _ *hub.User) { s.End(now) }, false},
		{"at its absolute end", func(s *hub.Session, _ *hub.User) { s.ExpiresAt = now }, false},
		{"idle too long", func(s *hub.Session, _ *hub.User) { s.Token.ExpiresAt = now }, false},
		{"of an inactive user", func(_ *hub.Session, u *hub.User) { u.IsActive = false }, false},
		{"of a deleted user", func(_ *hub.Session, u *hub.User) { u.DeletedAt = now }, false},
		{"of another user", func(s *hub.Session, _ *hub.User) { s.UserID = "other" }, false},
		{"all ended", func(_ *hub.Session, u *hub.User) { u.EndSessions("") }, false},
		{"all but it ended", func(s *hub.Session, u *hub.User) { u.EndSessions(s.ID) }, true},
		{"all but it ended, then all", func(s *hub.Session, u *hub.User) { u.EndSessions(s.ID); u.EndSessions("") }, false},
		{"kept twice", func(s *hub.Session, u *hub.User) { u.EndSessions(s.ID); u.EndSessions(s.ID) }, true},
		{"kept but ended", func(s *hub.Session, u *hub.User) { u.EndSessions(s.ID); s.End(now) }, false},
	}
	for _, tt := range tests {
		u := hub.User{ID: "u", IsActive: true, SessionEpoch: 3}
		s := hub.Session{
			ID: "s", UserID: "u", Epoch: 3, ExpiresAt: now.Add(time.Hour),
			Token: hub.RefreshToken{ExpiresAt: now.Add(time.Minute)},
		}
		tt.change(&s, &u)
		if got := s.IsLive(&u, now); got != tt.want {
			t.Errorf("%s: IsLive = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestEachSpentTokenHasOneSuccessorWithinTheGrace(t *testing.T) {
	t.Parallel()
	const grace = 10 * time.Second
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := hub.Session{Token: hub.RefreshToken{ID: "0"}}
	for i := 1; i <= 5; i++ {
		s.Rotate(hub.RefreshToken{ID: fmt.Sprint(i)}, now.Add(time.Duration(i)*3*time.Second), grace)
	}
	// Spent at 3, 6, 9, 12 and 15 s; at the last rotation those spent before 5 s were forgotten.
	for id, want := range map[string]string{"0": "", "1": "2", "2": "3", "3": "4", "4": "5", "5": "", "x": ""} {
		got, _, ok := s.SuccessorOf(id)
		if ok != (want != "") || got.ID != want {
			t.Errorf("SuccessorOf(%s) = %q, %v; want %q", id, got.ID, ok, want)
		}
	}
}

func TestRotationDoesNotGrowASessionWithoutBound(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var s hub.Session
	for i := range 1000 {
		s.Rotate(hub.RefreshToken{ID: fmt.Sprint(i)}, now, time.Hour)
	}
	if len(s.Spent) > 16 {
		t.Errorf("%d spent tokens kept", len(s.Spent))
	}
}

func TestRotateLeavesOtherCopiesOfTheSessionAlone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := hub.Session{Token: hub.RefreshToken{ID: "a"}}
	s.Rotate(hub.RefreshToken{ID: "b"}, now, time.Hour)
	first, second := s, s
	first.Rotate(hub.RefreshToken{ID: "c"}, now, time.Hour)
	second.Rotate(hub.RefreshToken{ID: "d"}, now, time.Hour)
	if got, _, _ := first.SuccessorOf("b"); got.ID != "c" {
		t.Errorf("the copies share memory: successor of b is %s, want c", got.ID)
	}
}

func TestMailQuotaIsASlidingHour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var u hub.User
	take := func(after time.Duration) bool { return u.TakeMailQuota(now.Add(after), 2) }
	for i, step := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {30 * time.Minute, true}, {59 * time.Minute, false}, {time.Hour, true}, {80 * time.Minute, false}, {90 * time.Minute, true}} {
		if got := take(step.after); got != step.want {
			t.Errorf("step %d at %v: %v, want %v", i, step.after, got, step.want)
		}
	}
	if !u.TakeMailQuota(now, 0) {
		t.Error("a limit of 0 is none")
	}
}
