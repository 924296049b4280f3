package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// crowd is clients that use a hub in every way, and what they were answered.
type crowd struct {
	t      *testing.T
	s      *server
	root   *account
	prefix string // of addresses

	clients sync.WaitGroup
	stop    chan struct{}

	mu      sync.Mutex
	took    map[string][]time.Duration // by request
	odd     []string                   // answers that nobody should have got
	excused bool                       // refusals, at the moment
	refused int                        // so many were
	answers int
	members []*member
}

// member is an account whose client was told about everything that it did.
type member struct {
	account
	id    string
	ended bool // it was signed out or deactivated
	off   bool // it was deactivated
}

// gather lets so many clients come. The account root may deactivate others.
func gather(t *testing.T, s *server, root *account, prefix string, clients int) *crowd {
	t.Helper()
	c := &crowd{t: t, s: s, root: root, prefix: prefix, stop: make(chan struct{}), took: make(map[string][]time.Duration)}
	for i := range clients {
		c.clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-c.stop:
					return
				default:
					c.visit(fmt.Sprintf("%s-%d-%d@example.com", c.prefix, i, n), n)
				}
			}
		})
	}
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-c.stop:
		default:
			close(c.stop)
		}
		c.clients.Wait()
	}))
	return c
}

// leave has the clients end what they do and go.
func (c *crowd) leave() {
	close(c.stop)
	c.clients.Wait()
}

// stay lets the crowd be busy for so long.
func (c *crowd) stay(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.t.Context().Done():
	}
}

// visit is the life of one account.
func (c *crowd) visit(email string, n int) {
	m := &member{account: account{email: email, firstName: "Ada", acknowledged: true}}
	if _, ok := c.ask(201, "POST", "/api/v1/auth/register", "", registration(email)); !ok {
		return
	}
	answer, ok := c.ask(200, "POST", "/api/v1/auth/login", "", map[string]string{"email": email, "password": testPassword})
	if !ok || !m.take(answer) {
		return
	}
	for i := range 3 {
		name := fmt.Sprintf("Ada %d", i)
		if _, ok := c.ask(200, "PATCH", "/api/v1/users/me", m.access, map[string]string{"firstName": name}); !ok {
			return
		}
		m.firstName = name
		if answer, ok = c.ask(200, "POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": m.refresh}); !ok || !m.take(answer) {
			return
		}
	}
	answer, ok = c.ask(200, "GET", "/api/v1/auth/me", m.access, nil)
	var me struct{ UserID string }
	if !ok || json.Unmarshal(answer, &me) != nil {
		return
	}
	m.id = me.UserID
	switch n % 3 {
	case 0:
		_, ok = c.ask(200, "POST", "/api/v1/auth/logout", m.access, nil)
		m.ended = true
	case 1:
		_, ok = c.ask(200, "POST", "/api/v1/users/"+m.id+"/deactivate", c.root.access, nil)
		m.ended, m.off = true, true
	}
	if ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.members = append(c.members, m)
	}
}

// ask sends a request that should be answered with the status.
func (c *crowd) ask(status int, method, path, token string, body any) (answer []byte, ok bool) {
	begun := time.Now()
	got, answer := c.s.try(method, path, token, body)
	took := time.Since(begun)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers++
	c.took[method] = append(c.took[method], took)
	switch {
	case got == status:
	case got == 503 && c.excused:
		c.refused++
	default:
		c.odd = append(c.odd, fmt.Sprintf("%s %s after %v: %d %s", method, path, took, got, answer))
	}
	return answer, got == status
}

func (c *crowd) isExcused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.excused
}

// String tells how many answers there were.
func (c *crowd) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d requests answered, %d of them refused and %d wrongly; %d accounts lived", c.answers, c.refused, len(c.odd), len(c.members))
}

// p95 returns how long 95 of 100 requests of the method took at most since the last time it was asked, and the longest.
func (c *crowd) p95(method string) (p95, longest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.took[method]
	c.took[method] = nil
	if len(took) == 0 {
		c.t.Fatalf("no %s was answered", method)
	}
	slices.Sort(took)
	return took[len(took)*95/100], took[len(took)-1]
}

// wantNoOddAnswer reports answers that were not as they should have been.
func (c *crowd) wantNoOddAnswer() {
	c.t.Helper()
	c.t.Log(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, odd := range c.odd[:min(10, len(c.odd))] {
		c.t.Error(odd)
	}
	if len(c.odd) > 0 {
		c.t.Errorf("%d of %d answers were wrong", len(c.odd), c.answers)
	}
}

// wantKept wants everything that was acknowledged to be in both databases, and at the hub.
func (c *crowd) wantKept(databases ...hub.Database) {
	c.t.Helper()
	if len(c.members) == 0 {
		c.t.Fatal("nobody was there")
	}
	for _, m := range c.members {
		for _, db := range databases {
			u, err := db.UserByEmail(c.t.Context(), m.email)
			if err != nil || u.FirstName != m.firstName || u.IsActive == m.off {
				c.t.Errorf("%s: %q, active %v, %v; want %q, %v", m.email, u.FirstName, u.IsActive, err, m.firstName, !m.off)
			}
		}
		want := 200
		if m.ended {
			want = 401
		}
		if got := m.status(c.s, "/api/v1/auth/me"); got != want {
			c.t.Errorf("%s: its token is answered with %d, want %d", m.email, got, want)
		}
	}
}
