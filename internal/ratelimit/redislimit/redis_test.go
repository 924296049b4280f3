package redislimit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/redisurl"
	"github.com/a64core/hub/internal/store/testdb"
)

// patient is how long tests wait for Redis that are not about waiting: this machine may be busy.
const patient = 20 * time.Second

// log collects lines.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lines returns level, message and reason of each line.
func (l *log) lines(t *testing.T) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(l.String()) {
		var v struct{ Level, Msg, Reason string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(v.Level+" "+v.Msg+" "+v.Reason))
	}
	return all
}

// parse reads a URL that is right.
func parse(t testing.TB, text string) redisurl.URL {
	t.Helper()
	u, err := redisurl.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// open returns a connection that ends with the test, and its log. It has looked for Redis once.
func open(t testing.TB, url string, options ...func(*redislimit.Options)) (*redislimit.Server, *log) {
	t.Helper()
	l := new(log)
	o := redislimit.Options{
		URL: parse(t, url), Secret: hub.NewSecret(hub.NewID()), Timeout: patient, // the secret makes names that no other test has
		Log: slog.New(slog.NewJSONHandler(l, nil)),
	}
	for _, option := range options {
		option(&o)
	}
	s := redislimit.Open(o)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Probe(t.Context())
	return s, l
}

// as gives connections the same names in Redis.
func as(secret string) func(*redislimit.Options) {
	return func(o *redislimit.Options) { o.Secret = hub.NewSecret(secret) }
}

func givenTimes(o *redislimit.Options) { o.GivenTimes = true }

// promptly has requests wait as long as in production.
func promptly(o *redislimit.Options) { o.Timeout = 0 }

// watch lets the connection look after Redis until the test ends.
func watch(t *testing.T, s *redislimit.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// eventually waits for what is to become so.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func take(t testing.TB, l ratelimit.Limiter, key string, limit int) ratelimit.Decision {
	t.Helper()
	d, err := l.Take(t.Context(), key, limit, time.Now())
	if err != nil {
		t.Fatalf("a limiter must not fail: %v", err)
	}
	return d
}

// admitted counts what is admitted of n requests.
func admitted(t testing.TB, l ratelimit.Limiter, key string, limit, n int) (count int) {
	t.Helper()
	for range n {
		if take(t, l, key, limit).Allowed {
			count++
		}
	}
	return count
}

// serverURL is where a server of the test's own is.
func serverURL(s *testdb.Server) string { return fmt.Sprintf("redis://%s", s.Addr()) }
