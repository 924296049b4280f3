//go:build !race

package app_test

import (
	"math"
	"testing"

	"github.com/a64core/hub/internal/hubtest"
)

// maxAllocs is what one authenticated request may allocate between net/http and the live cache, with limits, metrics and its
// log line, and without traces. Raise it only for something that is worth the garbage.
const maxAllocs = 45

// TestAllocationsOfARequest is not parallel, because allocations are counted for all. The race detector has pools forget.
func TestAllocationsOfARequest(t *testing.T) {
	n := math.Inf(1)
	// The least is the request's own. What else runs in the process allocates too, and is counted; and a user whose claims
	// displace each other in the JSON library's cache of texts, which one in some twenty has, costs two more.
	for range 5 {
		n = min(n, testing.AllocsPerRun(1000, newMe(t, hubtest.Settings{"METRICS_ADDR": "127.0.0.1:0"})))
	}
	if n != maxAllocs {
		t.Errorf("%v allocations, want %d", n, maxAllocs)
	}
}
