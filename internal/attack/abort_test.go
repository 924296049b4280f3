package attack_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// raw returns a request as it goes over the wire.
func raw(method, path, id, token string, body map[string]any) string {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // texts always can be
	}
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: hub\r\nX-Request-Id: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, id, token, len(text), text)
}

// abort begins a connection, sends the text as far as chance has it, reads some of what comes back if all was sent, and breaks
// the connection off. It returns what it read.
func abort(t *testing.T, h *hubtest.Hub, r *rand.Rand, text string) []byte {
	c, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	if err := errors.Join(c.(*net.TCPConn).SetLinger(0), c.SetDeadline(time.Now().Add(time.Minute))); err != nil {
		t.Error(err)
		return nil
	}
	sent := min(r.IntN(2*len(text)), len(text))
	if _, err := io.WriteString(c, text[:sent]); err != nil {
		t.Error(err)
	}
	if sent < len(text) {
		return nil
	}
	part := make([]byte, r.IntN(2000))
	n, _ := c.Read(part) // there may be nothing: the hub may close it first
	return part[:n]
}

func TestDOS07_AbortedRequestsLeaveNothingBehind(t *testing.T) { // is not parallel: it counts
	abortedRequests(t, 500)
}

// abortedRequests aborts so many requests of all kinds, and wants the hub to be as it was after the first few of them.
func abortedRequests(t *testing.T, n int) {
	t.Helper()
	hubtest.OnlySQLite(t, "drivers of servers have goroutines of their own, which come and go")
	h := hubtest.Start(t, hubtest.Settings{"BCRYPT_COST": "6", "HASH_WORKERS": "1", "HASH_QUEUE": "8", "LOGIN_MAX_FAILURES": "0"})
	p := h.SignUp(t, hub.RoleAdmin)
	requests := []string{
		raw(http.MethodGet, "/api/v1/auth/me", "a", p.AccessToken, nil),
		raw(http.MethodGet, "/api/v1/users", "a", p.AccessToken, nil),
		raw(http.MethodPatch, "/api/v1/users/me", "a", p.AccessToken, map[string]any{"lastName": "Hopper"}),
		raw(http.MethodPost, "/api/v1/auth/login", "a", "", map[string]any{"email": "nobody@example.com", "password": hubtest.Password}),
		raw(http.MethodPost, "/api/v1/auth/register", "a", "", hubtest.Registration(p.Email)),
		raw(http.MethodPost, "/api/v1/auth/refresh", "a", "", map[string]any{"refreshToken": "none"}),
	}
	few := func(n int) {
		many(t, n, func(i int) error {
			abort(t, h, rand.New(rand.NewPCG(uint64(n), uint64(i))), requests[i%len(requests)])
			return nil
		})
	}
	many(t, 200, func(int) error { // so that the database has opened what it will
		h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/users", Token: p.AccessToken}).Want(t, http.StatusOK)
		return nil
	})
	few(max(200, n/10))
	before := settled(h)
	few(n)
	after := settled(h)
	t.Logf("before: %v; after %d aborted requests: %v", before, n, after)
	if !after.fits(before) {
		t.Errorf("after %d aborted requests there are %v, before %v", n, after, before)
	}
	h.Me(t, p.AccessToken).Want(t, http.StatusOK)
	h.Login(t, p.Email, hubtest.Password)
}

// held is what the process holds.
type held struct {
	goroutines, files int
	heap              uint64
}

func (s held) String() string {
	return fmt.Sprintf("%d goroutines, %d open files, %d KiB", s.goroutines, s.files, s.heap>>10)
}

// fits reports whether s is at most a tenth more than what there was before.
func (s held) fits(before held) bool {
	return s.goroutines*10 <= before.goroutines*11+20 && s.files*10 <= before.files*11+20 && s.heap*10 <= before.heap*11
}

// settled returns what the process holds once nothing has come or gone for a while.
func settled(h *hubtest.Hub) held {
	h.HTTP.CloseIdleConnections()
	h.Log.Forget()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for was, looks := 0, 0; looks < 15; <-tick.C {
		if looks++; runtime.NumGoroutine() != was {
			was, looks = runtime.NumGoroutine(), 0
		}
	}
	return held{runtime.NumGoroutine(), openFiles(), heap()}
}

// openFiles returns how many files the process has open, 0 where the system does not tell.
func openFiles() int {
	names, _ := os.ReadDir("/proc/self/fd")
	return len(names)
}

// TestHTT23_NobodyGetsAnothersAnswer has some clients break off in the middle of answers, while others ask several things at once
// on one connection: each answer comes in its order, and to whom it is for.
func TestHTT23_NobodyGetsAnothersAnswer(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	const aborts, clients = 1000, 8
	people := make([]hubtest.Person, clients)
	var all []string
	for i := range people {
		people[i] = h.SignUp(t, hub.RoleUser)
		all = append(all, people[i].ID)
	}
	isAnothers := func(text []byte, own string) bool {
		for _, id := range all {
			if id != own && bytes.Contains(text, []byte(id)) {
				return true
			}
		}
		return false
	}
	stop := make(chan struct{})
	var honest sync.WaitGroup
	for i, p := range people[:clients/2] {
		honest.Go(func() {
			in := h.Dial(t)
			r := bufio.NewReader(in)
			for round := 0; ; round++ {
				text := strings.Builder{}
				var ids []string
				for step, path := range []string{"me", "login", "sessions", "nothing", "me"} {
					id := fmt.Sprintf("%d-%d-%d", i, round, step)
					ids = append(ids, id)
					if path == "login" {
						text.WriteString(raw(http.MethodPost, "/api/v1/auth/login", id, "", map[string]any{"email": p.Email, "password": hubtest.Password}))
					} else {
						text.WriteString(raw(http.MethodGet, "/api/v1/auth/"+path, id, p.AccessToken, nil))
					}
				}
				if _, err := io.WriteString(in, text.String()); err != nil {
					t.Error(err)
					return
				}
				for step, id := range ids {
					a, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Errorf("answer %s: %v", id, err)
						return
					}
					body, err := io.ReadAll(a.Body)
					if got := a.Header.Get("X-Request-Id"); err != nil || got != id || isAnothers(body, p.ID) || a.StatusCode != []int{200, 200, 200, 404, 200}[step] {
						t.Errorf("in place of answer %s came %s: %d %s, %v", id, got, a.StatusCode, body, err)
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	many(t, aborts, func(i int) error {
		p := people[clients/2+i%(clients/2)]
		text := strings.Repeat(raw(http.MethodGet, "/api/v1/auth/me", "aborted", p.AccessToken, nil), 3)
		if got := abort(t, h, rand.New(rand.NewPCG(23, uint64(i))), text); isAnothers(got, p.ID) {
			return fmt.Errorf("another's answer: %s", got)
		}
		return nil
	})
	close(stop)
	honest.Wait()
}
