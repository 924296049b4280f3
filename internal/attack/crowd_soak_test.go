//go:build soak

package attack_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func TestSoakDOS06_AllSessionsEndAtOnce(t *testing.T) {
	if took := endSessions(t, 10_000); took > 2*time.Second {
		t.Errorf("ending 10,000 sessions took %v", took)
	}
}

func TestSoakDOS05_AHundredThousandUsers(t *testing.T) {
	if slowest := crowd(t, 100_000); slowest > 300*time.Millisecond {
		t.Errorf("among 100,000 users a request took %v", slowest)
	}
}

// crowd adds so many users, signs an administrator in, and returns how long the slowest of a few reads and logins took, each at
// its best of several.
func crowd(t *testing.T, users int) (slowest time.Duration) {
	t.Helper()
	h := hubtest.Start(t)
	admin := h.SignUp(t, hub.RoleAdmin)
	model := h.Stored(t, admin.ID)
	many(t, users, func(i int) error {
		u := model
		u.ID, u.Email, u.Role, u.Version = hub.NewID(), fmt.Sprintf("crowd-%d@example.com", i), hub.RoleUser, 1
		u.LastName = fmt.Sprint("Lovelace", i)
		return h.Store.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserCreated, u.ID, h.Clock.Now()))
	})
	for name, call := range map[string]func(){
		"the last page": func() {
			path := fmt.Sprintf("/api/v1/users?perPage=100&page=%d", users/100)
			h.Do(t, hubtest.Request{Method: http.MethodGet, Path: path, Token: admin.AccessToken}).Want(t, http.StatusOK)
		},
		"login": func() { h.Login(t, fmt.Sprintf("crowd-%d@example.com", users/2), hubtest.Password) },
		"me":    func() { h.Me(t, admin.AccessToken).Want(t, http.StatusOK) },
	} {
		best := time.Hour
		for range 5 {
			began := time.Now()
			call()
			best = min(best, time.Since(began))
		}
		t.Logf("%s: %v", name, best)
		slowest = max(slowest, best)
	}
	return slowest
}
