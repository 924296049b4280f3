//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestInstances has three processes on the same databases answer as one.
func TestInstances(t *testing.T) {
	t.Parallel()
	for _, mode := range fleetModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, mode, "RATE_LIMIT_MODERATOR=60", "REDIS_URL="+os.Getenv("A64_TEST_REDIS_URL"))
			t.Run("one address, one account", f.testRegistration)
			root := f.root()
			t.Run("a change bites everywhere", func(t *testing.T) { f.testAuthority(t, root) })
			t.Run("failures add up", f.testLockout)
			t.Run("limits are shared", func(t *testing.T) { f.testLimits(t, root) })
		})
	}
}

// R04, SES-18, SES-22: role and state bite on every instance within a second, though each has just seen what was before.
func (f *fleet) testAuthority(t *testing.T, root *account) {
	for _, tt := range []struct {
		name, path, change string
		body               any
		want               int
	}{
		{"demoted", "/api/v1/users", "role", map[string]string{"role": "user"}, 403},
		{"deactivated", "/api/v1/auth/me", "deactivate", nil, 401},
	} {
		a := f.instances[0].register(t, tt.name+"@example.com")
		id := a.id(t, f.instances[0])
		f.instances[0].want(t, 200, "PATCH", "/api/v1/users/"+id+"/role", root.access, map[string]string{"role": "admin"})
		if !a.login(f.instances[0]) {
			t.Fatal("cannot log in")
		}
		f.knowing(t, a, tt.path)
		method := map[string]string{"role": "PATCH", "deactivate": "POST"}[tt.change]
		f.instances[0].want(t, 200, method, "/api/v1/users/"+id+"/"+tt.change, root.access, tt.body)
		changed := time.Now()
		var group sync.WaitGroup
		for i, s := range f.instances {
			group.Go(func() {
				for {
					asked := time.Now()
					got := a.status(s, tt.path)
					if got == tt.want {
						return
					}
					if asked.Sub(changed) > time.Second || got != 200 {
						t.Errorf("%s: instance %d answers %d to what was asked %v later", tt.name, i, got, asked.Sub(changed))
						return
					}
				}
			})
		}
		group.Wait()
	}
}

// knowing has every instance look the account up, so that it has an answer to remember.
func (f *fleet) knowing(t *testing.T, a *account, path string) {
	t.Helper()
	for i, s := range f.instances {
		waitFor(t, func() string {
			if got := a.status(s, path); got != 200 {
				return fmt.Sprintf("instance %d answers %d", i, got)
			}
			return ""
		})
	}
}

// LCK-05: five failures lock wherever they happen, and the lock holds everywhere.
func (f *fleet) testLockout(t *testing.T) {
	a := f.instances[0].register(t, "locked@example.com")
	wrong := map[string]string{"email": a.email, "password": "Wrong-Horse-7-Battery"}
	for n := range 5 {
		f.instances[n%3].want(t, 401, "POST", "/api/v1/auth/login", "", wrong)
	}
	right := map[string]string{"email": a.email, "password": testPassword}
	for _, s := range f.instances {
		s.want(t, 429, "POST", "/api/v1/auth/login", "", right)
		s.want(t, 200, "GET", "/api/v1/auth/me", a.access, nil) // sessions go on
	}
}

// REG-07, REG-08, FLT-23
func (f *fleet) testRegistration(t *testing.T) {
	var created, refused atomic.Int64
	var group sync.WaitGroup
	for n := range 30 {
		group.Go(func() {
			switch status, answer := f.instances[n%3].try("POST", "/api/v1/auth/register", "", registration("contested@example.com")); status {
			case 201:
				created.Add(1)
			case 409:
				refused.Add(1)
			default:
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	group.Wait()
	if created.Load() != 1 || refused.Load() != 29 {
		t.Errorf("%d accounts were made, %d refused", created.Load(), refused.Load())
	}
}

// RTL-01: of what one user asks of three instances, exactly the limit is admitted.
func (f *fleet) testLimits(t *testing.T, root *account) {
	testdb.Redis(t)
	const limit, clients, asked = 60, 5, 10 // at each instance
	for n := range 20 {                     // again only if Redis was too slow on a busy machine, and an instance decided alone
		s := f.instances[0]
		for i, s := range f.instances {
			waitFor(t, func() string {
				if status, answer := s.try("GET", "/api/ready", "", nil); !strings.Contains(string(answer), `"redis":"healthy"`) {
					return fmt.Sprintf("instance %d has no Redis: %d %s", i, status, answer)
				}
				return ""
			})
		}
		a := s.register(t, fmt.Sprintf("moderator%d@example.com", n))
		s.want(t, 200, "PATCH", "/api/v1/users/"+a.id(t, s)+"/role", root.access, map[string]string{"role": "moderator"})
		if !a.login(s) {
			t.Fatal("cannot log in")
		}
		var admitted atomic.Int64
		var group sync.WaitGroup
		for _, s := range f.instances {
			for range clients {
				group.Go(func() {
					for range asked {
						if a.status(s, "/api/v1/auth/me") == 200 {
							admitted.Add(1)
						}
					}
				})
			}
		}
		group.Wait()
		if admitted.Load() == limit {
			return
		}
		t.Logf("%d of %d were admitted", admitted.Load(), 3*clients*asked)
	}
	t.Errorf("never exactly %d were admitted", limit)
}
