package replica_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

// lagging is a primary that says it has a backlog of a minute.
type lagging struct {
	hub.Database
	behind atomic.Bool
}

func (l *lagging) Backlog(ctx context.Context) (hub.Backlog, error) {
	if l.behind.Load() {
		return hub.Backlog{Pending: 5, Oldest: time.Now().Add(-time.Minute)}, nil
	}
	return l.Database.Backlog(ctx)
}

// lines collects what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func TestTheLogTellsTheLag(t *testing.T) {
	t.Parallel()
	var log lines
	primary := &lagging{Database: openSQLite(t, true)}
	primary.behind.Store(true)
	s, err := replica.New(t.Context(), replica.Config{
		Primary: primary, OpenSecondary: opened(openSQLite(t, false)), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	must(t, "new", err)
	runStore(t, s)
	first := s.State().Backlog.Oldest
	eventually(t, "it was looked at again", func() bool { return s.State().Backlog.Oldest.After(first) })
	if n := log.count("the secondary database is behind"); n != 1 || log.count("pending=5 lag=") != 1 {
		t.Errorf("told %d times: %s", n, log.text.String())
	}
	primary.behind.Store(false)
	eventually(t, "the log tells that it is not behind any more", func() bool { return log.count("the secondary database has caught up") == 1 })
}
