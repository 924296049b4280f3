//go:build soak

package attack_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func TestSoakDOS07_AbortedRequestsLeaveNothingBehind(t *testing.T) { abortedRequests(t, 10_000) }

// TestSoakDOS07_TenMinutesLeaveNothingBehind asks 200 times a second, one time in ten without waiting for the answer.
func TestSoakDOS07_TenMinutesLeaveNothingBehind(t *testing.T) {
	hubtest.OnlySQLite(t, "drivers of servers have goroutines of their own, which come and go")
	h := hubtest.Start(t, hubtest.Settings{"MAX_SESSIONS": "0"})
	p := h.SignUp(t, hub.RoleAdmin)
	ask := func(i int) {
		switch i % 10 {
		case 0:
			abort(t, h, rand.New(rand.NewPCG(7, uint64(i))), raw(http.MethodGet, "/api/v1/users", "a", p.AccessToken, nil))
		case 1:
			session := h.Login(t, p.Email, hubtest.Password)
			h.Refresh(t, session.RefreshToken).Want(t, http.StatusOK)
			h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/logout", Token: session.AccessToken, Body: map[string]any{"refreshToken": session.RefreshToken}}).Want(t, http.StatusOK)
		case 2:
			h.Do(t, hubtest.Request{Method: http.MethodPatch, Path: "/api/v1/users/me", Token: p.AccessToken, Body: map[string]any{"lastName": "Hopper"}}).Want(t, http.StatusOK)
		case 3:
			h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/register", Body: hubtest.Registration(p.Email)}).Want(t, http.StatusConflict)
		case 4:
			h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/users?perPage=100", Token: p.AccessToken}).Want(t, http.StatusOK)
		default:
			h.Me(t, p.AccessToken).Want(t, http.StatusOK)
		}
	}
	many(t, 1000, func(i int) error { ask(i); return nil })
	before := settled(h)
	const rate, length = 200, 10 * time.Minute
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	requests := make(chan int, 5*rate)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for i := range requests {
				ask(i)
			}
		})
	}
	asked := 0
	for began := time.Now(); time.Since(began) < length; <-tick.C {
		select {
		case requests <- asked:
		default:
			t.Fatalf("after %d requests five seconds' worth of them wait", asked)
		}
		if asked++; asked%10_000 == 0 {
			h.Log.Forget()
		}
	}
	close(requests)
	clients.Wait()
	after := settled(h)
	t.Logf("before: %v; after %d requests in %v: %v", before, asked, length, after)
	if asked < rate*int(length/time.Second)*9/10 || !after.fits(before) {
		t.Errorf("after %d requests in %v there are %v, before %v", asked, length, after, before)
	}
}
