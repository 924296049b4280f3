package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// seed adds n users with a session each, which was refreshed once, and returns the sessions.
func seed(b *testing.B, s *sqlstore.Store, n int) []hub.Session {
	b.Helper()
	ctx, now := b.Context(), time.Now()
	sessions := make([]hub.Session, n)
	for i := range sessions {
		u := hub.User{
			ID: hub.NewID(), Email: fmt.Sprintf("user%06d@example.com", i), PasswordHash: hub.NewSecret("$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"),
			FirstName: "Ada", LastName: fmt.Sprintf("Lovelace %d", i), Role: hub.RoleUser, IsActive: true, IsEmailVerified: true,
			Timezone: "Europe/Berlin", Locale: "de-DE", CreatedAt: now, UpdatedAt: now,
		}
		if err := s.AddUser(ctx, u, hub.NewEvent(ctx, hub.EventUserRegistered, u.ID, now)); err != nil {
			b.Fatal(err)
		}
		se := hub.Session{
			ID: hub.NewID(), UserID: u.ID, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(720 * time.Hour),
			Token: token(now), IP: "2001:db8::1", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
		}
		se.Rotate(token(now), now, 10*time.Second)
		if err := s.AddSession(ctx, se, hub.NewEvent(ctx, hub.EventSessionStarted, u.ID, now)); err != nil {
			b.Fatal(err)
		}
		se.Version = 1
		sessions[i] = se
	}
	return sessions
}

func token(now time.Time) hub.RefreshToken {
	return hub.RefreshToken{ID: hub.NewID(), Hash: hub.LockoutKey(hub.NewID()), IssuedAt: now, ExpiresAt: now.Add(168 * time.Hour)}
}

// onEach runs a benchmark on SQLite, and on the server that the environment names.
func onEach(b *testing.B, run func(*testing.B, *sqlstore.Store)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { run(b, open(b, filepath.Join(b.TempDir(), "hub.db"))) })
	b.Run("mysql", func(b *testing.B) {
		d := newDatabase(b)
		d.config.Migrate = true
		run(b, d.open(b))
	})
}

func BenchmarkSessionWithUser(b *testing.B) { onEach(b, benchmarkSessionWithUser) }

func benchmarkSessionWithUser(b *testing.B, s *sqlstore.Store) {
	sessions := seed(b, s, 500)
	var next atomic.Int64
	b.SetParallelism(8) // times GOMAXPROCS
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

// BenchmarkUpdateSession refreshes sessions, by one client and by many at once.
func BenchmarkUpdateSession(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients-per-core=%d", clients), func(b *testing.B) {
			onEach(b, func(b *testing.B, s *sqlstore.Store) { benchmarkUpdateSession(b, s, clients) })
		})
	}
}

func benchmarkUpdateSession(b *testing.B, s *sqlstore.Store, clients int) {
	sessions := seed(b, s, clients*runtime.GOMAXPROCS(0))
	var next atomic.Int64
	b.SetParallelism(clients) // times GOMAXPROCS
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		se := sessions[int(next.Add(1)-1)%len(sessions)]
		for p.Next() {
			now := time.Now()
			se.Rotate(token(now), now, 10*time.Second)
			if err := s.UpdateSession(b.Context(), se, hub.NewEvent(b.Context(), hub.EventSessionRefreshed, se.UserID, now)); err != nil {
				b.Error(err)
				return
			}
			se.Version++
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}
