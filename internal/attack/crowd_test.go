package attack_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func TestDOS06_AllSessionsEndAtOnce(t *testing.T) {
	t.Parallel()
	endSessions(t, 500)
}

// endSessions gives a user so many sessions and ends them by one request. It returns how long that took.
func endSessions(t *testing.T, sessions int) time.Duration {
	t.Helper()
	h := hubtest.Start(t, hubtest.Settings{"MAX_SESSIONS": "0"})
	p := h.SignUp(t, hub.RoleUser)
	first := h.Login(t, p.Email, hubtest.Password)
	model, err := h.Store.SessionsByUser(t.Context(), p.ID, h.Clock.Now(), 1)
	if err != nil || len(model) != 1 {
		t.Fatalf("sessions %v, %v", model, err)
	}
	many(t, sessions, func(int) error {
		s := model[0]
		s.ID, s.Token.ID, s.Version = hub.NewID(), hub.NewID(), 1
		return h.Store.AddSession(t.Context(), s, hub.NewEvent(t.Context(), hub.EventSessionStarted, p.ID, h.Clock.Now()))
	})
	began := time.Now()
	h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/logout", Token: p.AccessToken}).Want(t, http.StatusOK)
	took := time.Since(began)
	for _, token := range []string{p.AccessToken, first.AccessToken} {
		h.Me(t, token).Want(t, http.StatusUnauthorized)
	}
	h.Refresh(t, first.RefreshToken).Want(t, http.StatusUnauthorized)
	return took
}

// many does something n times, some at once. Any error fails the test.
func many(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	const workers = 32
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n; i += workers {
				if err := do(i); err != nil {
					t.Errorf("number %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}
