package main

import (
	"testing"
	"time"
)

// R04: a change at the command line bites within a second.
func TestR04_CommandsBiteBesideARunningServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	do(t, dir, testPassword, append(creation("root@example.com", "super_admin"), "--verified")...)
	ada := s.register(t, "ada@example.com")
	id := ada.id(t, s)
	const newPassword = "Another-Password-8-Here"
	steps := []struct {
		args []string
		path string // what GET of it answers ada
		want int
		then func()
	}{
		{[]string{"set-role", "ada@example.com", "admin"}, "/api/v1/users", 200, nil},
		{[]string{"set-role", id, "user"}, "/api/v1/users", 403, nil},
		{[]string{"deactivate", id}, "/api/v1/auth/me", 401, nil},
		{[]string{"activate", id}, "/api/v1/auth/me", 401, func() { ada.login(s) }}, // ended sessions stay ended
		{[]string{"set-password", id, "--password-stdin"}, "/api/v1/auth/me", 401, func() {
			if ada.login(s) {
				t.Error("the former password still works")
			}
			s.want(t, 200, "POST", "/api/v1/auth/login", "", map[string]string{"email": ada.email, "password": newPassword})
		}},
		{[]string{"delete", id}, "/api/v1/auth/me", 401, func() {
			s.want(t, 401, "POST", "/api/v1/auth/login", "", map[string]string{"email": ada.email, "password": newPassword})
		}},
		{[]string{"restore", ada.email}, "/api/v1/auth/me", 401, func() {
			s.want(t, 200, "POST", "/api/v1/auth/login", "", map[string]string{"email": ada.email, "password": newPassword})
		}},
	}
	for _, step := range steps {
		ada.status(s, step.path) // so that the server has an answer to remember
		do(t, dir, newPassword+"\n", append([]string{"users"}, step.args...)...)
		if got, took := waitForStatus(t, s, ada, step.path, step.want); took > 1500*time.Millisecond {
			t.Errorf("%v: GET %s answered %d after %v, want %d within a second", step.args, step.path, got, took, step.want)
		}
		if step.then != nil {
			step.then()
		}
	}
	if code := s.terminate(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

// waitForStatus asks until the answer is as wanted, and returns the last one and how long that took.
func waitForStatus(t *testing.T, s *server, a *account, path string, want int) (got int, took time.Duration) {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got, took = a.status(s, path), time.Since(began)
		if got == want || took > 5*time.Second {
			return got, took
		}
		<-tick.C
	}
}
