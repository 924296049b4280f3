package users

import (
	"context"
	"sync"
	"time"

	"github.com/a64core/hub"
)

// Counting looks at all users that match, so what it costs grows with them, while a page costs what it shows. Therefore a
// total above exactTotal is remembered. It is counted anew when somebody sees it that is older than totalFresh, and they do
// not wait for that, and nobody sees one older than totalMaxAge.
const (
	exactTotal  = 1000
	totalFresh  = 10 * time.Second
	totalMaxAge = time.Minute
	maxTotals   = 256 // remembered; searches are of any text
)

// matching is what a query counts.
type matching struct {
	role     hub.Role
	isActive [2]bool // whether it matters, and what it must be
	deleted  bool
	search   string
}

func matchingOf(q hub.UserQuery) matching {
	m := matching{role: q.Role, deleted: q.Deleted, search: q.Search}
	if q.IsActive != nil {
		m.isActive = [2]bool{true, *q.IsActive}
	}
	return m
}

// query returns the least that is counted with m.
func (m matching) query() hub.UserQuery {
	q := hub.UserQuery{Role: m.role, Deleted: m.deleted, Search: m.search, Limit: 1}
	if m.isActive[0] {
		q.IsActive = &m.isActive[1]
	}
	return q
}

// total is how many users matched at a time, which is read with its monotonic clock: setting the clock makes none old or new.
type total struct {
	n  int
	at time.Time
}

// totals are what is remembered. The zero value remembers nothing yet.
type totals struct {
	mu    sync.Mutex
	known map[matching]total
	stale chan matching // nil unless somebody counts anew
}

// find returns the total if it is young enough to be shown, else zero, and has it counted anew if it is not fresh.
func (t *totals) find(m matching, now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.known[m]
	age := now.Sub(known.at)
	if !ok || age > totalMaxAge {
		return 0
	}
	if age > totalFresh {
		select {
		case t.stale <- m:
		default: // one is being counted: its turn comes when it is seen next
		}
	}
	return known.n
}

// keep remembers a total as it was at a time, if it is one that is remembered.
func (t *totals) keep(m matching, n int, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n <= exactTotal {
		delete(t.known, m)
		return
	}
	if t.known == nil || len(t.known) >= maxTotals {
		t.known = make(map[matching]total)
	}
	t.known[m] = total{n, at}
}

// page reads a page and its total, which it takes from memory if it is there.
func (s *Service) page(ctx context.Context, q hub.UserQuery) (hub.UserPage, error) {
	m, now := matchingOf(q), time.Now()
	q.Known = s.totals.find(m, now)
	page, err := s.Store.Users(ctx, q)
	if err == nil && q.Known == 0 {
		s.totals.keep(m, page.Total, now)
	}
	return page, err
}

// CountAnew keeps remembered totals fresh while they are seen, until ctx ends. One at a time calls it.
func (s *Service) CountAnew(ctx context.Context) error {
	stale := make(chan matching)
	s.totals.mu.Lock()
	s.totals.stale = stale
	s.totals.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-stale:
			now := time.Now()
			if page, err := s.Store.Users(ctx, m.query()); err == nil { // else whoever sees it next, or needs it, tries again
				s.totals.keep(m, page.Total, now)
			}
		}
	}
}
