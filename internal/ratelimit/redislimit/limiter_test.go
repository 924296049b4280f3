package redislimit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/ratelimit/limitertest"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/store/testdb"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	url := testdb.Redis(t)
	limitertest.Run(t, func(t *testing.T) ratelimit.Limiter {
		s, _ := open(t, url, givenTimes)
		t.Cleanup(func() {
			if state := s.State(); state.DecidedAlone > 0 || state.Away {
				t.Errorf("Redis did not decide: %+v", state)
			}
		})
		return s.Limiter()
	})
}

// TestRedisDecidesAsMemoryDoes drives a window in Redis and one in memory through the same times, backward ones included,
// and wants the very same decisions.
func TestRedisDecidesAsMemoryDoes(t *testing.T) {
	t.Parallel()
	s, _ := open(t, testdb.Redis(t), givenTimes)
	shared, own := s.Limiter(), ratelimit.NewMemory(0)
	rapid.Check(t, func(rt *rapid.T) {
		const µs = time.Microsecond
		step := rapid.OneOf(
			rapid.Just(time.Duration(0)),
			rapid.Map(rapid.Int64Range(0, 100_000), func(n int64) time.Duration { return time.Duration(n) * µs }),
			rapid.Map(rapid.Int64Range(0, 6_000_000), func(n int64) time.Duration { return time.Duration(n) * µs }),
			rapid.SampledFrom([]time.Duration{5*time.Second - µs, 5 * time.Second, time.Minute - µs, time.Minute}),
			rapid.SampledFrom([]time.Duration{-µs, -time.Minute, -time.Minute - µs, -time.Hour}),
		)
		limit := rapid.IntRange(1, 30)
		key := hub.NewID()
		now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
		for i := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(step.Draw(rt, "step"))
			n := limit.Draw(rt, "limit")
			want, err := own.Take(t.Context(), key, n, now)
			if err != nil {
				rt.Fatal(err)
			}
			got, err := shared.Take(t.Context(), key, n, now)
			if err != nil {
				rt.Fatal(err)
			}
			if got != want {
				rt.Fatalf("request %d at %v: Redis decides %+v, memory %+v", i+1, now, got, want)
			}
		}
	})
	if n := s.State().DecidedAlone; n > 0 {
		t.Errorf("Redis did not decide %d times", n)
	}
}

func TestRTL01_InstancesShareTheLimit(t *testing.T) {
	t.Parallel()
	url, secret := testdb.Redis(t), hub.NewID()
	a, _ := open(t, url, as(secret))
	b, _ := open(t, url, as(secret))
	var count atomic.Int32
	var group sync.WaitGroup
	for i := range 100 {
		l := []*redislimit.Limiter{a.Limiter(), b.Limiter()}[i%2]
		group.Go(func() {
			if d, err := l.Take(t.Context(), "k", 10, time.Now()); err == nil && d.Allowed {
				count.Add(1)
			}
		})
	}
	group.Wait()
	if n := count.Load(); n != 10 {
		t.Errorf("%d of 100 admitted, want 10", n)
	}
}

func TestFLT17_InstancesWhoseClocksDifferAgree(t *testing.T) {
	t.Parallel()
	url, secret := testdb.Redis(t), hub.NewID()
	var limiters []ratelimit.Limiter
	for range 3 {
		s, _ := open(t, url, as(secret))
		limiters = append(limiters, s.Limiter())
	}
	off := []time.Duration{-10 * time.Minute, 0, 10 * time.Minute}
	count := 0
	for range 30 {
		i := rand.IntN(len(limiters))
		d, err := limiters[i].Take(t.Context(), "k", 10, time.Now().Add(off[i]))
		if err != nil {
			t.Fatal(err)
		}
		if d.Allowed {
			count++
		}
		if d.Reset > time.Minute || d.RetryAfter > time.Minute {
			t.Errorf("locked out beyond a minute: %+v", d)
		}
	}
	if count != 10 {
		t.Errorf("%d admitted, want 10", count)
	}
}

func TestRequestsThatHangUpAreCounted(t *testing.T) {
	t.Parallel()
	s, _ := open(t, testdb.Redis(t))
	l := s.Limiter()
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	for range 5 {
		if d, err := l.Take(ctx, "k", 10, time.Now()); err != nil || !d.Allowed {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	if d := take(t, l, "k", 10); d.Remaining != 4 {
		t.Errorf("%+v, want 4 left", d)
	}
	if state := s.State(); state.DecidedAlone > 0 {
		t.Errorf("a client that hangs up is taken for a failure of Redis: %+v", state)
	}
}

func TestRedisLearnsNoAddressesAndForgetsByItself(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t)
	s, _ := open(t, serverURL(server))
	l := s.Limiter()
	for i := range 20 {
		take(t, l, fmt.Sprintf("address:192.0.2.%d", i), 10)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close() }()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 21 { // and that of the probe
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "a64core:limit:{") || strings.Contains(key, "192") {
			t.Errorf("key %q", key)
		}
		if left, err := client.PTTL(t.Context(), key).Result(); err != nil || left <= 0 || left > 61*time.Second {
			t.Errorf("key %q is kept for %v, %v", key, left, err)
		}
	}
}

func BenchmarkRedisTake(b *testing.B) {
	s, _ := open(b, testdb.Redis(b), promptly)
	l := s.Limiter()
	for _, parallel := range []bool{false, true} {
		b.Run(fmt.Sprintf("parallel=%t", parallel), func(b *testing.B) {
			b.ReportAllocs()
			if parallel {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						take(b, l, "user:0190a5e4-0000-7000-8000-000000000000", 1_000_000_000)
					}
				})
				return
			}
			var durations []time.Duration
			for b.Loop() {
				start := time.Now()
				take(b, l, "user:0190a5e4-0000-7000-8000-000000000000", 1_000_000_000)
				durations = append(durations, time.Since(start))
			}
			reportQuantiles(b, durations)
		})
	}
	b.ReportMetric(float64(s.State().DecidedAlone), "alone")
}

// reportQuantiles reports how long the middle and the slowest hundredth took.
func reportQuantiles(b *testing.B, durations []time.Duration) {
	b.Helper()
	slices.Sort(durations)
	b.ReportMetric(float64(durations[len(durations)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(durations[len(durations)*99/100].Microseconds()), "p99-µs")
}
