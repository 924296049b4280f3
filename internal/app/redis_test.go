package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/store/testdb"
)

// withRedis lets hubs share limits.
func withRedis(s *testdb.Server) hubtest.Settings {
	return hubtest.Settings{"REDIS_URL": "redis://" + s.Addr()}
}

// guest asks for something that a guest is limited in.
func guest(ip string) func(int) hubtest.Request {
	return func(int) hubtest.Request {
		return hubtest.Request{Method: "GET", Path: "/api/v1/auth/me", Header: from(ip)}
	}
}

// readyChecks returns what /api/ready says of each dependency. It must always be ready.
func readyChecks(t *testing.T, h *hubtest.Hub) map[string]string {
	t.Helper()
	a := h.Do(t, hubtest.Request{Method: "GET", Path: "/api/ready"})
	var v struct{ Checks map[string]string }
	a.Into(t, &v)
	if a.Status != http.StatusOK {
		t.Errorf("not ready: %s", a.Body)
	}
	return v.Checks
}

// becomes waits until Redis is what it is to be.
func becomes(t *testing.T, h *hubtest.Hub, state string) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for readyChecks(t, h)["redis"] != state {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("Redis is not %s within a minute; log:\n%s", state, h.Log)
		}
	}
}

func TestRTL01_TwoHubsShareTheLimitsInRedis(t *testing.T) {
	t.Parallel()
	redis := testdb.StartRedis(t)
	a := hubtest.Start(t, limits(), behindProxy(), withRedis(redis))
	b := hubtest.Start(t, limits(), behindProxy(), withRedis(redis))
	for i := range 20 { // again only if Redis was too slow on a busy machine, and a hub decided alone
		becomes(t, a, "healthy")
		becomes(t, b, "healthy")
		before := a.App.Redis.State().DecidedAlone + b.App.Redis.State().DecidedAlone
		ask := guest(fmt.Sprintf("192.0.2.%d", i))
		n := admitted(t, a, 6, ask) + admitted(t, b, 6, ask)
		if a.App.Redis.State().DecidedAlone+b.App.Redis.State().DecidedAlone == before {
			if n != 10 {
				t.Errorf("%d of a limit of 10 admitted by two hubs", n)
			}
			return
		}
	}
	t.Errorf("Redis was never quick enough: %+v", a.App.Redis.State())
}

func TestFLT10_TheHubServesWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := testdb.StartRedis(t)
	redis.Kill()
	h := hubtest.Start(t, limits(), behindProxy(), withRedis(redis))
	becomes(t, h, "degraded")
	if n := admitted(t, h, 20, guest("192.0.2.1")); n != 10 {
		t.Errorf("%d of a limit of 10 admitted without Redis", n)
	}
	redis.Start()
	becomes(t, h, "healthy")
	if n := admitted(t, h, 20, guest("192.0.2.1")); n != 0 {
		t.Errorf("%d more admitted because Redis is back", n)
	}
	if n := admitted(t, h, 20, guest("192.0.2.2")); n != 10 {
		t.Errorf("%d of a limit of 10 admitted with Redis", n)
	}
	redis.Freeze()
	becomes(t, h, "degraded")
	if n := admitted(t, h, 20, guest("192.0.2.2")); n != 0 {
		t.Errorf("%d more admitted because Redis is away again", n)
	}
	if log := h.Log.String(); strings.Count(log, "Redis is away") < 2 || strings.Count(log, "Redis is back") < 1 {
		t.Errorf("log:\n%s", log)
	}
}
