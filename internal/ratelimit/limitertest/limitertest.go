package limitertest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub/internal/ratelimit"
)

// Run holds what every limiter promises. open returns an empty one that goes by the times it is given.
func Run(t *testing.T, open func(t *testing.T) ratelimit.Limiter) {
	t.Helper()
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	take := func(t *testing.T, l ratelimit.Limiter, key string, limit int, now time.Time) ratelimit.Decision {
		t.Helper()
		d, err := l.Take(t.Context(), key, limit, now)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Run("the limit and not one more", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for i := range 10 {
			if d := take(t, l, "k", 10, noon); !d.Allowed || d.Limit != 10 || d.Remaining != 9-i || d.RetryAfter != 0 {
				t.Errorf("request %d: %+v", i+1, d)
			}
		}
		if d := take(t, l, "k", 10, noon); d.Allowed || d.Remaining != 0 || d.RetryAfter <= 0 || d.RetryAfter > time.Minute {
			t.Errorf("request 11: %+v", d)
		}
	})
	t.Run("RTL-11 what is refused is not counted", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for i := range 50 {
			take(t, l, "k", 10, noon.Add(time.Duration(i)*time.Second))
		}
		for i := range 10 {
			if d := take(t, l, "k", 10, noon.Add(69*time.Second)); !d.Allowed {
				t.Errorf("request %d a minute after the last admission: %+v", i+1, d)
			}
		}
	})
	t.Run("no minute across a full one admits twice the limit", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		admitted := 0
		for second := 50; second < 110; second++ { // 60 s across the edge
			for range 5 {
				if take(t, l, "k", 10, noon.Add(time.Duration(second)*time.Second)).Allowed {
					admitted++
				}
			}
		}
		if admitted != 10 {
			t.Errorf("%d admitted, want 10", admitted)
		}
	})
	t.Run("keys do not share", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for i := range 200 {
			if d := take(t, l, fmt.Sprint("k", i), 1, noon); !d.Allowed {
				t.Errorf("key %d: %+v", i, d)
			}
		}
	})
	t.Run("RTL-15 a changed limit holds at once", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for range 5 {
			take(t, l, "k", 5, noon)
		}
		if d := take(t, l, "k", 5, noon); d.Allowed {
			t.Error("admitted beyond 5")
		}
		if d := take(t, l, "k", 8, noon); !d.Allowed || d.Remaining != 2 {
			t.Errorf("raised to 8: %+v", d)
		}
		if d := take(t, l, "k", 3, noon); d.Allowed {
			t.Error("lowered to 3: admitted")
		}
	})
	t.Run("no limit", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		for _, limit := range []int{0, -1} {
			for range 100 {
				if d := take(t, l, "k", limit, noon); !d.Allowed {
					t.Fatalf("limit %d: %+v", limit, d)
				}
			}
		}
		if d := take(t, l, "k", 1, noon); !d.Allowed {
			t.Error("what no limit admitted was counted")
		}
	})
	t.Run("RTL-01 many at once get the limit between them", func(t *testing.T) {
		t.Parallel()
		l := open(t)
		var admitted atomic.Int32
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				for range 5 {
					if d, err := l.Take(t.Context(), "k", 100, noon); err == nil && d.Allowed {
						admitted.Add(1)
					}
				}
			})
		}
		group.Wait()
		if n := admitted.Load(); n != 100 {
			t.Errorf("%d admitted, want 100", n)
		}
	})
}
