package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestFLT14_ConnectionsAreCut resets the connections to both databases under load, in the middle of whatever they do. Whoever
// got no answer may find the change made or not made, never half; whoever got one finds it.
func TestFLT14_ConnectionsAreCut(t *testing.T) {
	t.Parallel()
	const rounds, clients = 5, 6
	d := newDatabases(t, testdb.MySQL(t))
	d.drop()
	s := serve(t, t.TempDir(), d.settings()...)
	for round := range rounds {
		all := use(s, fmt.Sprintf("cut%d", round), clients, func() {
			for range 4 {
				pass(t, 150*time.Millisecond)
				d.toMySQL.Cut()
				pass(t, 50*time.Millisecond)
				d.toMongo.Cut()
			}
		})
		wantReady(t, s, "healthy", "healthy")
		for _, a := range all {
			a.check(t, s)
		}
	}
	d.wantEqual()
}
