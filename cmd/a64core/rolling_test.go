//go:build linux

package main

import (
	"fmt"
	"testing"
	"time"
)

// FLT-21: each instance is restarted in turn, while clients come through the balancer that know nothing of it.
func TestR39_ARollingRestartLosesNoRequestAndNoSession(t *testing.T) {
	t.Parallel()
	modes := fleetModes()
	for _, tt := range []struct{ balancer, mode, delay string }{
		{"nginx", modes[0], "0s"},                // which notices that a port is closed
		{"haproxy", modes[len(modes)-1], "2.5s"}, // which asks, and has noticed within that time
	} {
		t.Run(tt.balancer+" on "+tt.mode, func(t *testing.T) {
			t.Parallel()
			f, b := fleetBehind(t, tt.balancer, tt.mode, "SHUTDOWN_DELAY="+tt.delay, "SHUTDOWN_TIMEOUT=30s")
			root, s := f.root(), b.client(t, "127.0.0.1")
			c := gather(t, s, root, "guest", 3)
			accounts := c.keepSessions(3)
			for i := range f.instances {
				f.restart(i)
			}
			c.leave()
			c.wantNoOddAnswer()
			pass(t, 1100*time.Millisecond) // what one instance ended may be alive at another for a second
			c.wantKept()
			for _, a := range accounts {
				s.want(t, 200, "GET", "/api/v1/auth/me", a.access, nil)
				s.want(t, 200, "POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh})
			}
		})
	}
}

// restart ends an instance as a supervisor does, starts it again, and waits until the balancer sends requests to it.
func (f *fleet) restart(i int) {
	f.t.Helper()
	if code := f.instances[i].terminate(f.t); code != exitOK {
		f.t.Errorf("exit code %d\n%s", code, f.instances[i].log)
	}
	f.launch(i)
	f.instances[i].waitUntilServing(f.t)
	f.instances[i].log.wait(f.t, `route=/api/v1/`)
}

// keepSessions lets so many clients come to the crowd who remain signed in all the time: each has one session, whose refresh token
// it uses again and again, and looks at lists. They may be looked at when the crowd has left.
func (c *crowd) keepSessions(n int) []*account {
	c.t.Helper()
	all := make([]*account, n)
	for i := range all {
		all[i] = c.s.register(c.t, fmt.Sprintf("stayer%d@example.com", i))
		c.clients.Go(func() {
			for c.keepSession(all[i]) {
			}
		})
	}
	return all
}

// keepSession refreshes the account's session, and reports whether to go on.
func (c *crowd) keepSession(a *account) bool {
	select {
	case <-c.stop:
		return false
	default:
	}
	answer, ok := c.ask(200, "POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh})
	if !ok {
		return c.isExcused() // then the same token is used again
	}
	if !a.take(answer) {
		return false
	}
	c.ask(200, "GET", "/api/v1/users/me", a.access, nil)
	c.ask(200, "GET", "/api/v1/users?search=guest", c.root.access, nil)
	return true
}
