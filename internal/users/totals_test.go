package users

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
)

// crowd is a store of so many users that nobody makes them for a test.
type crowd struct {
	Store
	users, counted int
}

func (c *crowd) Users(_ context.Context, q hub.UserQuery) (hub.UserPage, error) {
	if q.Known > 0 {
		return hub.UserPage{Total: q.Known}, nil
	}
	c.counted++
	return hub.UserPage{Total: c.users}, nil
}

func TestManyAreNotCountedForEachPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(AsSystem(t.Context()))
		defer cancel()
		c := &crowd{users: exactTotal}
		s := &Service{Store: c}
		go func() { _ = s.CountAnew(ctx) }()
		synctest.Wait()
		step := func(after time.Duration, users, wantTotal, wantCounted int) {
			t.Helper()
			<-time.After(after)
			c.users = users
			page, err := s.List(ctx, hub.UserQuery{Limit: 20})
			synctest.Wait()
			if err != nil || page.Total != wantTotal || c.counted != wantCounted {
				t.Errorf("total %d, counted %d times, %v; want %d, %d times", page.Total, c.counted, err, wantTotal, wantCounted)
			}
		}
		step(0, exactTotal-1, exactTotal-1, 1)
		step(0, exactTotal, exactTotal, 2)                 // few are counted each time
		step(0, exactTotal+1, exactTotal+1, 3)             // and many once
		step(totalFresh, exactTotal+2, exactTotal+1, 3)    // for as long as that is fresh
		step(1, exactTotal+3, exactTotal+1, 4)             // then again, but nobody waits
		step(0, exactTotal+4, exactTotal+3, 4)             // and the next one sees it
		step(totalMaxAge+1, exactTotal+5, exactTotal+5, 5) // what is old nobody sees
		step(totalMaxAge+1, exactTotal, exactTotal, 6)     // what has become few
		step(0, exactTotal-1, exactTotal-1, 7)             // is counted each time again
		if page, err := s.List(ctx, hub.UserQuery{Limit: 20, Deleted: true}); err != nil || page.Total != exactTotal-1 || c.counted != 8 {
			t.Errorf("other users: total %d, counted %d times, %v", page.Total, c.counted, err)
		}
	})
}

func TestTotalsTellQueriesApart(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	var all totals
	now := time.Now()
	queries := []hub.UserQuery{{}, {Role: hub.RoleUser}, {IsActive: &yes}, {IsActive: &no}, {Deleted: true}, {Search: "a"}, {Search: "b", IsActive: &no}}
	for i, q := range queries {
		all.keep(matchingOf(q), exactTotal+1+i, now)
	}
	for i, q := range queries {
		q.Limit, q.Offset, q.Sort.Descending = 5, 10, true // which total does not depend on
		if n := all.find(matchingOf(q), now); n != exactTotal+1+i {
			t.Errorf("%+v: total %d, want %d", q, n, exactTotal+1+i)
		}
		if again := matchingOf(matchingOf(q).query()); again != matchingOf(q) {
			t.Errorf("%+v is counted as %+v", matchingOf(q), again)
		}
	}
}

func TestTotalsAreBounded(t *testing.T) {
	t.Parallel()
	var all totals
	now := time.Now()
	for i := range 10 * maxTotals {
		m := matching{search: fmt.Sprint(i)}
		all.keep(m, exactTotal+1, now)
		if n := all.find(m, now); n == 0 || len(all.known) > maxTotals {
			t.Fatalf("total %d, %d are remembered, want at most %d", n, len(all.known), maxTotals)
		}
	}
}
