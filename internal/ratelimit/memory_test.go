package ratelimit_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/ratelimit/limitertest"
)

// noon is a time for tests to begin at.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestMemory(t *testing.T) {
	t.Parallel()
	limitertest.Run(t, func(*testing.T) ratelimit.Limiter { return ratelimit.NewMemory(0) })
}

func TestWhatIsGivenBackIsAdmittedAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		m      *ratelimit.Memory
		crowds int // keys that come first
	}{{"own window", ratelimit.NewMemory(0), 0}, {"shared window", ratelimit.NewMemory(1), 1000}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			take := func(key string, limit int) bool {
				d, err := tt.m.Take(t.Context(), key, limit, noon)
				return err == nil && d.Allowed
			}
			for i := range tt.crowds {
				take(fmt.Sprint(i), 1)
			}
			for take("k", 1000) {
			}
			for range 3 {
				tt.m.GiveBack("k")
			}
			for i := range 4 {
				if take("k", 1000) != (i < 3) {
					t.Errorf("request %d after three were given back", i+1)
				}
			}
		})
	}
}

func TestMemoryUnderAFloodOfKeys(t *testing.T) {
	t.Parallel()
	const keys, limit = 6400, 3
	m := ratelimit.NewMemory(keys)
	allowed := func(key string, now time.Time) bool {
		d, err := m.Take(t.Context(), key, limit, now)
		return err == nil && d.Allowed
	}
	for range limit {
		allowed("early", noon)
	}
	admitted := 0
	for i := range 100_000 {
		if allowed(fmt.Sprint("flood", i), noon) {
			admitted++
		}
	}
	if most := (keys + 1024) * limit; admitted > most { // own windows and shared ones
		t.Errorf("a flood of keys got %d admissions, more than %d windows hold", admitted, most/limit)
	}
	if allowed("early", noon.Add(59*time.Second)) {
		t.Error("the flood made a running window forgotten")
	}
	for i := range keys / 2 {
		for range limit {
			if !allowed(fmt.Sprint("late", i), noon.Add(2*time.Minute)) {
				t.Fatal("no room after the flood was over")
			}
		}
	}
}

// TestMemoryNeverStartsAKeyAfresh moves keys in and out of shared windows: however crowded it is, no key gets more than
// its limit in a minute.
func TestMemoryNeverStartsAKeyAfresh(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := ratelimit.NewMemory(rapid.SampledFrom([]int{1, 200, 1000}).Draw(t, "keys"))
		admitted := make(map[string][]time.Time)
		now := noon
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "step")))
			for range rapid.IntRange(1, 100).Draw(t, "burst") {
				key := fmt.Sprint(rapid.IntRange(0, 200).Draw(t, "key"))
				d, err := m.Take(t.Context(), key, 2, now)
				if err != nil || !d.Allowed {
					continue
				}
				admitted[key] = append(admitted[key], now)
				if n := len(admitted[key]); n > 2 && now.Sub(admitted[key][n-3]) < time.Minute {
					t.Fatalf("key %s: 3 admitted in %v", key, now.Sub(admitted[key][n-3]))
				}
			}
		}
	})
}

func BenchmarkMemoryTake(b *testing.B) {
	m := ratelimit.NewMemory(0)
	now := time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := m.Take(b.Context(), "user:0190a5e4-0000-7000-8000-000000000000", 1000, now); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkMemoryBytesPerKey(b *testing.B) {
	names := make([]string, ratelimit.DefaultKeys)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		m := ratelimit.NewMemory(0)
		for _, name := range names {
			if _, err := m.Take(b.Context(), name, 1, noon); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/float64(len(names)), "B/key")
		runtime.KeepAlive(m)
	}
}
