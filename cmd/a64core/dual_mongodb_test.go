package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// ways are how a server may be gone: its machine says so, or nothing is heard of it any more.
func ways() map[string]func(*testdb.Proxy) {
	return map[string]func(*testdb.Proxy){"refuses": (*testdb.Proxy).Refuse, "is silent": (*testdb.Proxy).BlackHole}
}

// TestR37_MongoDBIsAway is FLT-07 with two databases: what needs no change is answered from MySQL, changes are refused at
// once, a revoked session stays revoked, and all works again when MongoDB is back.
func TestR37_MongoDBIsAway(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabases(t, testdb.MySQL(t))
			d.drop()
			s := serve(t, t.TempDir(), d.settings("METRICS_ADDR=127.0.0.1:0")...)
			root, ada, eve := d.root(s), s.register(t, "ada@example.com"), s.register(t, "eve@example.com")
			s.want(t, 200, "POST", "/api/v1/users/"+eve.id(t, s)+"/deactivate", root.access, nil)
			wantReady(t, s, "healthy", "healthy")
			waitForTrust(t, s, root)

			way(d.toMongo)
			wantStatus(t, s, 200, "GET", "/api/v1/auth/me", ada.access, nil, 5*time.Second)
			wantStatus(t, s, 200, "GET", "/api/v1/users", root.access, nil, 5*time.Second)
			wantStatus(t, s, 401, "GET", "/api/v1/auth/me", eve.access, nil, 5*time.Second)
			wantRefused(t, s, ada)
			wantReady(t, s, "degraded", "healthy")
			wantStatus(t, s, 200, "GET", "/api/health", "", nil, time.Second)
			wantStatus(t, s, 200, "GET", "/api/v1/auth/me", ada.access, nil, time.Second)
			wantRefused(t, s, ada)

			d.toMongo.Restore()
			wantRecovery(t, s, ada)
			wantStatus(t, s, 401, "GET", "/api/v1/auth/me", eve.access, nil, 5*time.Second)
			wantReady(t, s, "healthy", "healthy")
			d.wantEqual()
		})
	}
}

// TestR37_NothingStaleIsServed lets MySQL miss changes before MongoDB goes away: then nothing is read from it.
func TestR37_NothingStaleIsServed(t *testing.T) {
	t.Parallel()
	d := newDatabases(t, testdb.MySQL(t))
	d.drop()
	s := serve(t, t.TempDir(), d.settings("METRICS_ADDR=127.0.0.1:0")...)
	root, ada := d.root(s), s.register(t, "ada@example.com")
	id := ada.id(t, s)
	waitForTrust(t, s, root)
	d.toMySQL.Refuse()
	s.want(t, 200, "POST", "/api/v1/users/"+id+"/deactivate", root.access, nil)
	d.toMongo.Refuse()
	d.toMySQL.Restore()
	for range 3 { // while the hub finds out who is there
		wantStatus(t, s, 503, "GET", "/api/v1/auth/me", ada.access, nil, 5*time.Second)
		wantStatus(t, s, 503, "GET", "/api/v1/users", root.access, nil, 5*time.Second)
		pass(t, time.Second)
	}
	if status, answer := s.try("GET", "/api/ready", "", nil); status != 503 {
		t.Errorf("ready: %d %s", status, answer)
	}
	d.toMongo.Restore()
	waitFor(t, func() string {
		if got := ada.status(s, "/api/v1/auth/me"); got != 401 {
			return "a deactivated account's token is not refused when MongoDB is back"
		}
		return ""
	})
	d.wantEqual()
}

// TestFLT07_MongoDBAloneIsAway: without another database nobody is let in, and all works again when it is back.
func TestFLT07_MongoDBAloneIsAway(t *testing.T) {
	t.Parallel()
	for name, way := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabases(t, testdb.MySQL(t))
			d.drop()
			s := serve(t, t.TempDir(), d.settings("DATABASE=mongodb")...)
			ada := s.register(t, "ada@example.com")
			way(d.toMongo)
			pass(t, time.Second) // so long a token may be remembered
			wantStatus(t, s, 503, "GET", "/api/v1/auth/me", ada.access, nil, 5*time.Second)
			wantRefused(t, s, ada)
			wantStatus(t, s, 200, "GET", "/api/health", "", nil, time.Second)
			wantStatus(t, s, 503, "GET", "/api/ready", "", nil, 3*time.Second)
			d.toMongo.Restore()
			wantRecovery(t, s, ada)
			pass(t, time.Second) // so long an answer about readiness is shared
			wantStatus(t, s, 200, "GET", "/api/ready", "", nil, 3*time.Second)
		})
	}
}

// wantRefused wants changes to be refused in time.
func wantRefused(t *testing.T, s *server, a *account) {
	t.Helper()
	name := map[string]string{"firstName": "Augusta"}
	refresh := map[string]string{"refreshToken": a.refresh}
	login := map[string]string{"email": a.email, "password": testPassword}
	wantStatus(t, s, 503, "PATCH", "/api/v1/users/me", a.access, name, 5*time.Second)
	wantStatus(t, s, 503, "POST", "/api/v1/auth/refresh", "", refresh, 5*time.Second)
	wantStatus(t, s, 503, "POST", "/api/v1/auth/login", "", login, 5*time.Second)
	wantStatus(t, s, 503, "POST", "/api/v1/auth/register", "", registration("new@example.com"), 5*time.Second)
}

// wantRecovery wants everything to work again within 15 seconds.
func wantRecovery(t *testing.T, s *server, a *account) {
	t.Helper()
	begun := time.Now()
	waitFor(t, func() string {
		if status, answer := s.try("PATCH", "/api/v1/users/me", a.access, map[string]string{"firstName": "Countess"}); status != 200 {
			return string(answer)
		}
		return ""
	})
	took := time.Since(begun)
	t.Logf("changes were made again after %v", took.Round(time.Millisecond))
	if took > 15*time.Second {
		t.Errorf("it took %v until changes were made again", took)
	}
	if !a.login(s) {
		t.Error("nobody can log in")
	}
	wantStatus(t, s, 200, "POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh}, 5*time.Second)
}

// wantStatus wants an answer in time, which tells when to come again if it is 503.
func wantStatus(t *testing.T, s *server, status int, method, path, token string, body any, in time.Duration) {
	t.Helper()
	begun := time.Now()
	got, header, answer := s.tryAll(method, path, token, body)
	took := time.Since(begun)
	if got != status || took > in {
		t.Errorf("%s %s: %d after %v, want %d within %v: %s", method, path, got, took, status, in, answer)
	}
	if got == http.StatusServiceUnavailable && header.Get("Retry-After") == "" && path != "/api/ready" {
		t.Errorf("%s %s: 503 without Retry-After", method, path)
	}
	if took > 100*time.Millisecond {
		t.Logf("%s %s: %d after %v", method, path, got, took.Round(time.Millisecond))
	}
}

// waitForTrust waits until the hub has seen that MySQL has everything.
func waitForTrust(t *testing.T, s *server, root *account) {
	t.Helper()
	waitFor(t, func() string {
		if n := pending(t, s, root); n > 0 {
			return "something waits to be copied"
		}
		if s.metric(t, "a64core_replica_stand_in") != 1 {
			return "MySQL could not stand in"
		}
		return ""
	})
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("errors in the log:\n%s", s.log)
	}
}

// pass lets time pass.
func pass(t *testing.T, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
