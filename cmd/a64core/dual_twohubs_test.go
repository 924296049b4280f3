package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestR05_TwoHubsShareTwoDatabases lets two processes serve from the same databases under load, while clients use one
// refresh token at both and administrators change each other's role and state.
func TestR05_TwoHubsShareTwoDatabases(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		grace   string
		winners int // of eight who use one token
	}{"one winner": {"0s", 1}, "one successor": {"1m", 8}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabases(t, testdb.MySQL(t))
			d.drop()
			hubs := [2]*server{serve(t, t.TempDir(), d.settings("REFRESH_GRACE="+tt.grace)...), serve(t, t.TempDir(), d.settings("REFRESH_GRACE="+tt.grace)...)}
			root := d.root(hubs[0])
			crowds := [2]*crowd{gather(t, hubs[0], root, "first", 2), gather(t, hubs[1], root, "second", 2)}
			rival := hubs[0].register(t, "rival@example.com")
			rivalID := rival.id(t, hubs[0])
			for round := range 12 {
				a := hubs[round%2].register(t, fmt.Sprintf("racer%d@example.com", round))
				var wg sync.WaitGroup
				statuses, tokens := make([]int, 8), make([]account, 8)
				for i := range statuses {
					wg.Go(func() {
						var answer []byte
						statuses[i], answer = hubs[i%2].try("POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh})
						if statuses[i] == 200 {
							tokens[i].take(answer)
						}
					})
				}
				for i, role := range []string{"admin", "moderator"} { // both at once, and at both hubs
					wg.Go(func() {
						status, answer := hubs[i].try("PATCH", "/api/v1/users/"+rivalID+"/role", root.access, map[string]string{"role": role})
						if status != 200 {
							t.Errorf("change of a role: %d %s", status, answer)
						}
					})
				}
				wg.Wait()
				successors := make(map[string]bool)
				won := 0
				for i, status := range statuses {
					switch status {
					case 200:
						won++
						successors[tokens[i].refresh] = true
					case 401:
					default:
						t.Errorf("round %d: a refresh was answered with %d", round, status)
					}
				}
				if won != tt.winners || len(successors) != 1 {
					t.Errorf("round %d: %d of 8 got a successor, %d different ones; want %d and 1", round, won, len(successors), tt.winners)
				}
			}
			for _, c := range crowds {
				c.leave()
				c.wantNoOddAnswer()
			}
			primary, secondary := d.wantEqual()
			for _, c := range crowds {
				c.wantKept(primary, secondary)
			}
		})
	}
}
