package ratelimit

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWindowKeepsItsPromises drives a window through random times and checks every decision against the list of all
// admissions.
func TestWindowKeepsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		step := rapid.OneOf(
			rapid.Just(int64(0)),
			rapid.Int64Range(0, int64(100*time.Millisecond)),
			rapid.Int64Range(0, int64(6*time.Second)),
			rapid.SampledFrom([]int64{int64(runLength) - 1, int64(runLength), int64(Window) - 1, int64(Window)}),
			rapid.Int64Range(0, int64(70*time.Second)),
		)
		var w window
		var admitted []int64
		now := rapid.Int64Range(-1e15, 1e15).Draw(t, "start")
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += step.Draw(t, "step")
			d := w.take(now, limit)
			if d.Allowed {
				admitted = append(admitted, now)
			}
			checkDecision(t, w, d, admitted, now, limit)
		}
		now += int64(Window)
		for i := range limit {
			if d := w.take(now, limit); !d.Allowed || d.Remaining != limit-1-i {
				t.Fatalf("request %d after a minute of silence: %+v", i+1, d)
			}
		}
	})
}

func checkDecision(t *rapid.T, w window, d Decision, admitted []int64, now int64, limit int) {
	within := func(span time.Duration) (n int) {
		for _, at := range admitted {
			if now-at < int64(span) {
				n++
			}
		}
		return n
	}
	if n := within(Window); n > limit { // the latest admission ends every span that could hold too many
		t.Fatalf("%d admitted in the minute up to %d, limit %d", n, now, limit)
	}
	if d.Reset <= 0 || d.Reset > Window || d.Limit != limit {
		t.Fatalf("decision %+v", d)
	}
	if d.Allowed {
		if d.RetryAfter != 0 || d.Remaining > limit-within(Window) || d.Remaining < limit-within(Window+runLength) {
			t.Fatalf("decision %+v with %d in the last minute", d, within(Window))
		}
		return
	}
	if n := within(Window + runLength); n < limit {
		t.Fatalf("refused with %d in the last 65 s, limit %d", n, limit)
	}
	if d.Remaining != 0 || d.RetryAfter < d.Reset {
		t.Fatalf("refused with %+v", d)
	}
	early, honest := w, w
	if early.take(now+int64(d.RetryAfter)-1, limit).Allowed || !honest.take(now+int64(d.RetryAfter), limit).Allowed {
		t.Fatalf("RetryAfter %v is not the time at which one more is admitted", d.RetryAfter)
	}
}

func TestWindowNeverNeedsMoreRunsThanItHas(t *testing.T) {
	t.Parallel()
	var w window
	var most int32
	for i := range int64(10_000) { // the densest runs, each used to its very end
		now := i / 2 * int64(runLength)
		if i%2 == 1 {
			now += int64(runLength) - 1
		}
		if d := w.take(now, 1_000_000); !d.Allowed {
			t.Fatal("refused below the limit")
		}
		most = max(most, w.runs)
	}
	if most != int32(maxRuns) {
		t.Errorf("up to %d runs, want %d", most, maxRuns)
	}
}

func TestWindowFollowsAChangedLimitAtOnce(t *testing.T) { // RTL-15
	t.Parallel()
	var w window
	at := func(d time.Duration) int64 { return int64(d) }
	for range 10 {
		w.take(at(0), 10)
	}
	for range 5 {
		w.take(at(20*time.Second), 20)
	}
	if d := w.take(at(20*time.Second), 20); !d.Allowed || d.Remaining != 4 {
		t.Errorf("raised to 20 with 15 used: %+v", d)
	}
	d := w.take(at(30*time.Second), 3)
	if want := 50 * time.Second; d.Allowed || d.RetryAfter != want {
		t.Errorf("lowered to 3 with 6 used since 20 s: %+v, want to wait %v", d, want)
	}
}

func TestWindowWhenTheClockStepsBack(t *testing.T) {
	t.Parallel()
	full := func() (w window) {
		for range 3 {
			w.take(int64(time.Hour), 3)
		}
		return w
	}
	for _, back := range []time.Duration{1, time.Second, Window, Window + 1, 24 * time.Hour} {
		w := full()
		now := time.Hour - back
		if d := w.take(int64(now), 3); d.Allowed || d.RetryAfter != Window {
			t.Errorf("%v back: %+v, want a refusal for a minute", back, d)
		}
		w = full()
		w.take(int64(now), 3)
		if d := w.take(int64(now+2*Window), 3); !d.Allowed {
			t.Errorf("%v back: still refused two minutes later", back)
		}
	}
	var w window
	w.take(int64(24*time.Hour), 3)
	for _, now := range []time.Duration{0, 30 * time.Second, 61 * time.Second} {
		if d := w.take(int64(now), 3); !d.Allowed {
			t.Errorf("%v after the clock stepped back a day: %+v", now, d)
		}
	}
	if d := w.take(int64(61*time.Second), 3); !d.Allowed {
		t.Errorf("runs are not told apart after the clock stepped back: %+v", d)
	}
}
