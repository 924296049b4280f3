package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func TestR26_AFloodOfHashingIsSentAwayAndTokensGoOn(t *testing.T) { // DOS-02, DOS-04
	hubtest.OnlySQLite(t, "it measures how long the hub takes, not a server that others use")
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"BCRYPT_COST": "8", "HASH_WORKERS": "1", "HASH_QUEUE": "2", "HASH_WAIT": "1s", "LOGIN_MAX_FAILURES": "0"})
	p := h.SignUp(t, hub.RoleUser)
	flood := make(chan hubtest.Answer)
	const parallel = 60
	for i := range parallel {
		go func() {
			r := hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{"email": "nobody@example.com", "password": wrongPassword}}
			if i%2 == 0 {
				r.Path, r.Body = "/api/v1/auth/register", hubtest.Registration(fmt.Sprintf("flood-%d@example.com", i))
			}
			a, err := h.Try(t, r)
			if err != nil {
				t.Error(err)
			}
			flood <- a
		}()
	}
	for range 20 {
		began := time.Now()
		h.Me(t, p.AccessToken).Want(t, 200)
		h.Do(t, hubtest.Request{Method: "GET", Path: "/api/health"}).Want(t, 200)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("beside the flood auth/me took %v", took)
		}
	}
	count := map[int]int{}
	for range parallel {
		a := <-flood
		count[a.Status]++
		if a.Status != http.StatusServiceUnavailable {
			continue
		}
		if after, err := strconv.Atoi(a.Header.Get("Retry-After")); a.Code() != "OVERLOADED" || err != nil || after < 1 || after > 5 {
			t.Errorf("Retry-After %q, %s", a.Header.Get("Retry-After"), a.Body)
		}
	}
	if count[503] == 0 || count[201]+count[401] == 0 || count[503]+count[201]+count[401] != parallel {
		t.Errorf("statuses %v, want some served and the rest 503", count)
	}
	h.Login(t, p.Email, hubtest.Password)
}

func TestR39_EveryAcceptedRequestIsAnswered(t *testing.T) { // FLT-19
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"SHUTDOWN_TIMEOUT": "30s"}) // within which it holds, however slow the database is
	p := h.SignUp(t, hub.RoleUser)
	request := "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + p.AccessToken + "\r\n\r\n"
	const connections = 200
	var clients, busy sync.WaitGroup
	busy.Add(connections)
	for range connections {
		c := h.Dial(t)
		clients.Go(func() {
			in := bufio.NewReader(c)
			for asked := 0; ; asked++ {
				if asked == 3 {
					busy.Done()
				}
				if _, err := io.WriteString(c, request); err != nil {
					t.Errorf("request %d: %v", asked, err)
					return
				}
				a, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Errorf("request %d got no answer: %v", asked, err)
					return
				}
				if _, err := io.Copy(io.Discard, a.Body); err != nil || a.StatusCode != 200 {
					t.Errorf("request %d: %d, %v", asked, a.StatusCode, err)
					return
				}
				if a.Close {
					return
				}
			}
		})
	}
	busy.Wait()
	began := time.Now()
	h.Stop()
	clients.Wait()
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the shutdown took %v", took)
	}
	if c, err := net.Dial("tcp", h.Addr()); err == nil {
		t.Errorf("a new connection was accepted: %v", c.Close())
	}
}

func TestR40_TheClockMayJump(t *testing.T) { // FLT-18
	t.Parallel()
	h := hubtest.Start(t, limits())
	p := h.SignUp(t, hub.RoleUser)
	h.Clock.Step(-2 * time.Hour)
	for _, a := range []hubtest.Answer{h.Me(t, p.AccessToken), h.Refresh(t, p.RefreshToken), h.TryLogin(t, p.Email, hubtest.Password)} {
		if a.Status >= 500 {
			t.Errorf("two hours back: %d %s", a.Status, a.Body)
		}
	}
	h.Clock.Step(4 * time.Hour)
	h.Me(t, p.AccessToken).Want(t, 401, "TOKEN_EXPIRED")
	h.Me(t, h.Login(t, p.Email, hubtest.Password).AccessToken).Want(t, 200)
}
