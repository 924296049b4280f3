//go:build !race

package app_test

import (
	"testing"

	"github.com/a64core/hub/internal/hubtest"
)

// maxAllocs is what one authenticated request may allocate between net/http and the live cache, with limits, metrics and its
// log line, and without traces. Raise it only for something that is worth the garbage.
const maxAllocs = 45

// TestAllocationsOfARequest is not parallel, because allocations are counted for all. The race detector has pools forget.
func TestAllocationsOfARequest(t *testing.T) {
	ask := newMe(t, hubtest.Settings{"METRICS_ADDR": "127.0.0.1:0"})
	n := testing.AllocsPerRun(1000, ask)
	for range 4 { // what else runs in the process allocates too, and is counted: the least is the request's own
		n = min(n, testing.AllocsPerRun(1000, ask))
	}
	if n != maxAllocs {
		t.Errorf("%v allocations, want %d", n, maxAllocs)
	}
}
