package storetest

import (
	"slices"
	"testing"

	"github.com/a64core/hub"
)

// test is one promise, shown on a store of its own.
type test struct {
	name string
	run  func(*testing.T, hub.Store)
}

// Run tests the store that open opens. Each call of open returns another store, empty, which is closed when its test ends.
func Run(t *testing.T, open func(t *testing.T) hub.Store) {
	t.Helper()
	for _, tt := range slices.Concat(
		userTests(), emailTests(), guardTests(), listTests(), searchTests(), purgeTests(),
		sessionTests(), mailTokenTests(), lockoutTests(), mailTests(), eventTests(),
		recordTests(), contentionTests(), sweepTests(), statsTests(), contextTests(),
	) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, open(t))
		})
	}
}
