package mongostore_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
)

// seed adds n users with a session each, which was refreshed once, and returns the sessions.
func seed(b *testing.B, s *mongostore.Store, n int) []hub.Session {
	b.Helper()
	now := time.Now()
	sessions := make([]hub.Session, n)
	var records []hub.Record
	for i := range sessions {
		u := newUser(fmt.Sprintf("user%06d@example.com", i))
		u.LastName = fmt.Sprintf("Lovelace %d", i)
		se := hub.Session{
			ID: hub.NewID(), UserID: u.ID, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(720 * time.Hour),
			Token: token(now), IP: "2001:db8::1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", Version: 1,
		}
		se.Rotate(token(now), now, 10*time.Second)
		sessions[i] = se
		records = append(records, hub.Record{User: &u}, hub.Record{Session: &sessions[i]})
	}
	must(b, "put", s.Put(b.Context(), hub.UnlessOlder, records...))
	return sessions
}

func token(now time.Time) hub.RefreshToken {
	return hub.RefreshToken{ID: hub.NewID(), Hash: hub.LockoutKey(hub.NewID()), IssuedAt: now, ExpiresAt: now.Add(168 * time.Hour)}
}

func BenchmarkSessionWithUser(b *testing.B) {
	s := newPool(b).open(b, mongostore.Config{})
	sessions := seed(b, s, 500)
	var next atomic.Int64
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, _, err := s.SessionWithUser(b.Context(), sessions[int(next.Add(1))%len(sessions)].ID); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

// BenchmarkUpdateSession refreshes sessions, by one client and by many at once, until the events are stored too.
func BenchmarkUpdateSession(b *testing.B) {
	for _, marks := range []bool{false, true} {
		for _, clients := range []int{1, 16} {
			b.Run(fmt.Sprintf("marks=%v/clients-per-core=%d", marks, clients), func(b *testing.B) {
				s := newPool(b).open(b, mongostore.Config{Marks: marks})
				sessions := seed(b, s, clients*runtime.GOMAXPROCS(0))
				var next atomic.Int64
				b.SetParallelism(clients) // times GOMAXPROCS
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(p *testing.PB) { refresh(b, s, sessions[int(next.Add(1)-1)%len(sessions)], p, marks) })
				_, err := s.Events(b.Context(), hub.EventQuery{Limit: 1})
				must(b, "wait", err)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	}
}

// refresh refreshes one session again and again, and removes the marks as whoever copies it would.
func refresh(b *testing.B, s *mongostore.Store, se hub.Session, p *testing.PB, marks bool) {
	for p.Next() {
		now := time.Now()
		se.Rotate(token(now), now, 10*time.Second)
		e := hub.NewEvent(b.Context(), hub.EventSessionRefreshed, se.UserID, now)
		if err := s.UpdateSession(b.Context(), se, e); err != nil {
			b.Error(err)
			return
		}
		se.Version++
		if !marks {
			continue
		}
		if err := s.Unmark(b.Context(), hub.Record{Session: &se}.Mark(), hub.Record{Event: &e}.Mark()); err != nil {
			b.Error(err)
		}
	}
}
