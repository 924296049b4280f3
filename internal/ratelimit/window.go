package ratelimit

import "time"

const (
	runLength = 5 * time.Second
	maxRuns   = int(Window/runLength) + 1
)

// window is a sliding window of a minute. Admissions that follow each other within runLength are counted as one run, which
// is used up to the last of them: a whole run stays until its last admission is a minute old. So no span of a minute
// ever holds more than the limit, a burst is forgotten exactly a minute after it, and a steady stream at the limit loses
// at most one run in thirteen. A fixed window admits twice its limit around its edge.
//
// Runs begin at least runLength apart and end less than runLength later, so maxRuns of them cover a minute. Times are
// nanoseconds since any one moment. The zero window is empty.
type window struct {
	start  int64 // of the latest run
	ends   [maxRuns]int64
	counts [maxRuns]int32
	runs   int32
}

// take decides about one more at the time now.
func (w *window) take(now int64, limit int) Decision {
	now = w.advance(now)
	used := 0
	for _, n := range w.counts[:w.runs] {
		used += int(n)
	}
	if used >= limit {
		wait := w.untilBelow(limit, used, now)
		return Decision{Limit: limit, Reset: wait, RetryAfter: wait}
	}
	w.admit(now)
	return Decision{Allowed: true, Limit: limit, Remaining: limit - used - 1, Reset: w.left(0, now)}
}

// advance forgets what is a minute old and returns the time to go by. That is not now where the clock stepped back: a
// little is taken for requests that overtook each other, and time stands still until it is made up for; by more than a
// minute the clock was set, and all runs are moved along, as if no time had passed since the latest.
func (w *window) advance(now int64) int64 {
	if w.runs == 0 {
		return now
	}
	if latest := w.ends[w.runs-1]; now < latest {
		if latest-now <= int64(Window) {
			return latest
		}
		w.start -= latest - now
		for i := range w.ends[:w.runs] {
			w.ends[i] -= latest - now
		}
		return now
	}
	gone := 0
	for gone < int(w.runs) && now-w.ends[gone] >= int64(Window) {
		gone++
	}
	if gone > 0 {
		copy(w.ends[:], w.ends[gone:w.runs])
		copy(w.counts[:], w.counts[gone:w.runs])
		w.runs -= int32(gone)
	}
	return now
}

func (w *window) admit(now int64) {
	if w.runs == 0 || now-w.start >= int64(runLength) {
		w.start = now
		w.counts[w.runs] = 0
		w.runs++
	}
	w.ends[w.runs-1] = now
	w.counts[w.runs-1]++
}

// giveBack uncounts the latest admission. The end of its run stays, so that it errs on the side of refusing, for less than
// runLength.
func (w *window) giveBack() {
	for i := w.runs - 1; i >= 0; i-- {
		if w.counts[i] > 0 {
			w.counts[i]--
			return
		}
	}
}

// untilBelow returns how long it takes until fewer than limit are used, if nothing more is admitted.
func (w *window) untilBelow(limit, used int, now int64) time.Duration {
	i := 0
	for used -= int(w.counts[0]); used >= limit; used -= int(w.counts[i]) {
		i++
	}
	return w.left(i, now)
}

// left returns how long run i still counts.
func (w *window) left(i int, now int64) time.Duration {
	return Window - time.Duration(now-w.ends[i])
}

// isIdle reports whether nothing counts any more at the time now.
func (w *window) isIdle(now int64) bool {
	w.advance(now)
	return w.runs == 0
}
