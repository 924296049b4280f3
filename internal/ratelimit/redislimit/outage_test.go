package redislimit_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/store/testdb"
)

const (
	awayLine = "ERROR Redis is away: each instance limits for itself "
	backLine = "INFO Redis is back: instances share limits"
)

func isAway(s *redislimit.Server) func() bool { return func() bool { return s.State().Away } }
func isBack(s *redislimit.Server) func() bool { return func() bool { return !s.State().Away } }

// TestFLT10_RedisAway breaks Redis in each way that there is, under load, and mends it: requests go on, never over the limit
// and without waiting long, and the log has one line for each change.
func TestFLT10_RedisAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		away, again func(*testdb.Server, *testdb.Proxy)
	}{
		{"killed", func(s *testdb.Server, _ *testdb.Proxy) { s.Kill() }, func(s *testdb.Server, _ *testdb.Proxy) { s.Start() }},
		{"frozen", func(s *testdb.Server, _ *testdb.Proxy) { s.Freeze() }, func(s *testdb.Server, _ *testdb.Proxy) { s.Thaw() }},
		{"refused", func(_ *testdb.Server, p *testdb.Proxy) { p.Refuse() }, func(_ *testdb.Server, p *testdb.Proxy) { p.Restore() }},
		{"unreachable", func(_ *testdb.Server, p *testdb.Proxy) { p.BlackHole() }, func(_ *testdb.Server, p *testdb.Proxy) { p.Restore() }},
		{"2 s slow", func(_ *testdb.Server, p *testdb.Proxy) { p.Delay(2 * time.Second) }, func(_ *testdb.Server, p *testdb.Proxy) { p.Restore() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := testdb.StartRedis(t)
			proxy := testdb.NewProxy(t, server.Addr())
			s, l := open(t, "redis://"+proxy.Addr(), promptly)
			watch(t, s)
			limiter := s.Limiter()
			eventually(t, "Redis is found", isBack(s))
			before := l.String() // on a busy machine it may have been away for a moment
			limited := admitted(t, limiter, "k", 10, 7)

			tt.away(server, proxy)
			limited += admitted(t, limiter, "k", 10, 20)
			eventually(t, "Redis is away", isAway(s))
			limited += admitted(t, limiter, "k", 10, 20)
			if n := admitted(t, limiter, "other", 10, 50); n != 10 {
				t.Errorf("%d of a limit of 10 admitted without Redis", n)
			}
			wantNoWaiting(t, limiter)

			tt.again(server, proxy)
			eventually(t, "Redis is back", isBack(s))
			limited += admitted(t, limiter, "k", 10, 20)
			if limited != 10 {
				t.Errorf("%d of a limit of 10 admitted across the outage", limited)
			}
			lines := strings.TrimPrefix(l.String(), before)
			if a, b := strings.Count(lines, "Redis is away"), strings.Count(lines, "Redis is back"); a < 1 || a > 2 || b < 1 || b > 2 {
				t.Errorf("%d lines say that Redis is away, %d that it is back; want one, or two on a busy machine:\n%s", a, b, lines)
			}
			if state := s.State(); state.Outages < 1 || state.DecidedAlone < 50 || state.Since.IsZero() {
				t.Errorf("state %+v", state)
			}
		})
	}
}

// wantNoWaiting wants that limits wait for nobody while Redis is known to be away.
func wantNoWaiting(t *testing.T, l ratelimit.Limiter) {
	t.Helper()
	start := time.Now()
	for i := range 1000 {
		take(t, l, fmt.Sprint("hasty", i), 10)
	}
	if took := time.Since(start); took > 10*redislimit.Timeout {
		t.Errorf("1000 decisions took %v without Redis", took)
	}
}

// TestFLT10_FirstRequestsWaitLittle measures what requests wait that come before Redis is known to be away.
func TestFLT10_FirstRequestsWaitLittle(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t)
	s, _ := open(t, serverURL(server), promptly)
	l := s.Limiter()
	server.Freeze()
	shortest := time.Hour // the others, this machine may have made wait
	for range 3 {
		start := time.Now()
		take(t, l, "k", 100)
		shortest = min(shortest, time.Since(start))
	}
	if shortest > 100*time.Millisecond {
		t.Errorf("a request waited %v for Redis, want at most 100 ms", shortest)
	}
	if state := s.State(); state.DecidedAlone != 3 || !state.Away || state.Reason != "no answer within 50ms" {
		t.Errorf("state %+v", state)
	}
}

func TestOneSlowAnswerIsNoOutage(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t)
	proxy := testdb.NewProxy(t, server.Addr())
	s, l := open(t, "redis://"+proxy.Addr())
	limiter := s.Limiter()
	admittedBefore := admitted(t, limiter, "k", 10, 5)
	for range 2 {
		proxy.CutAnswerAfter(0)
		take(t, limiter, "k", 10)
	}
	if n := admittedBefore + 2 + admitted(t, limiter, "k", 10, 20); n > 10 {
		t.Errorf("%d of a limit of 10 admitted around a broken connection", n)
	}
	if state := s.State(); state.Away || state.DecidedAlone == 0 || len(l.lines(t)) > 0 {
		t.Errorf("state %+v, log %q", state, l)
	}
}

func TestTheHubStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t)
	server.Stop()
	s, l := open(t, serverURL(server))
	if n := admitted(t, s.Limiter(), "k", 3, 10); n != 3 {
		t.Errorf("%d of a limit of 3 admitted", n)
	}
	if lines := l.lines(t); len(lines) != 1 || !strings.HasPrefix(lines[0], awayLine) || !strings.Contains(lines[0], "refused") {
		t.Errorf("log %q", lines)
	}
	watch(t, s)
	server.Start()
	eventually(t, "Redis is back", isBack(s))
	if lines := l.lines(t); len(lines) != 2 || lines[1] != backLine {
		t.Errorf("log %q", lines)
	}
}

func TestFLT10_FlushOnlyForgets(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close() }()
	s, l := open(t, serverURL(server))
	limiter := s.Limiter()
	for _, forget := range []func() error{
		func() error { return client.FlushAll(t.Context()).Err() },
		func() error { return client.ScriptFlush(t.Context()).Err() },
	} {
		if err := forget(); err != nil {
			t.Fatal(err)
		}
		take(t, limiter, hub.NewID(), 10)
		admitted(t, limiter, "k", 10, 20)
	}
	if state := s.State(); state.DecidedAlone > 0 || state.Away || len(l.lines(t)) > 0 {
		t.Errorf("state %+v, log %q", state, l)
	}
}

func TestARedisThatRefusesIsAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		options []string
		user    string
		want    string
	}{
		{"no password", []string{"--requirepass", "right"}, "", "it wants a password (NOAUTH)"},
		{"wrong password", []string{"--requirepass", "right"}, "hub:CANARY@", "it refuses the user or the password (WRONGPASS)"},
		{"not allowed", strings.Fields("--user hub on >CANARY ~* +@all -eval -evalsha"), "hub:CANARY@", "the user may not do what limits need (NOPERM)"},
		{"replica", strings.Fields("--replicaof 127.0.0.1 1"), "", "it is a replica (READONLY)"},
		{"full", []string{"--maxmemory", "1"}, "", "its memory is full (OOM)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := testdb.StartRedis(t, tt.options...)
			s, l := open(t, "redis://"+tt.user+server.Addr())
			if n := admitted(t, s.Limiter(), "k", 3, 10); n != 3 {
				t.Errorf("%d of a limit of 3 admitted", n)
			}
			if lines := l.lines(t); !slices.Equal(lines, []string{awayLine + tt.want}) {
				t.Errorf("log %q, want %q", lines, tt.want)
			}
			if state := s.State(); !state.Away || state.Reason != tt.want {
				t.Errorf("state %+v", state)
			}
		})
	}
}

func TestTheRightPasswordOpens(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t, strings.Fields("--user hub on >p@ss ~a64core:* +eval +evalsha +get +set +time +select +client|setname")...)
	s, l := open(t, "redis://hub:p%40ss@"+server.Addr()+"/2")
	if n := admitted(t, s.Limiter(), "k", 3, 10); n != 3 || s.State().DecidedAlone > 0 {
		t.Errorf("%d admitted; state %+v, log %s", n, s.State(), l)
	}
}

// TestOutagesUnderLoad lets Redis come and go while many ask: in each minute one process admits the limit and no more.
func TestOutagesUnderLoad(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t)
	s, _ := open(t, serverURL(server), promptly)
	watch(t, s)
	limiter := s.Limiter()
	var count atomic.Int32
	var group sync.WaitGroup
	ended := make(chan struct{})
	for range 8 {
		group.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				if d, err := limiter.Take(t.Context(), "k", 50, time.Now()); err == nil && d.Allowed {
					count.Add(1)
				}
			}
		})
	}
	start := time.Now()
	for range 3 {
		server.Kill()
		eventually(t, "Redis is away", isAway(s))
		server.Start()
		eventually(t, "Redis is back", isBack(s))
	}
	close(ended)
	group.Wait()
	if n := count.Load(); n != 50 && time.Since(start) < time.Minute {
		t.Errorf("%d of a limit of 50 admitted", n)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	server := testdb.StartRedis(t)
	t.Run("use", func(t *testing.T) {
		s, _ := open(t, serverURL(server), promptly)
		watch(t, s)
		l := s.Limiter()
		take(t, l, "k", 10)
		server.Freeze()
		eventually(t, "Redis is away", isAway(s))
		server.Thaw()
		eventually(t, "Redis is back", isBack(s))
	})
	eventually(t, "no goroutine of the client is left", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !strings.Contains(string(stacks), "redislimit.(*Server)") && !strings.Contains(string(stacks), "pool.(*ConnPool)")
	})
}
