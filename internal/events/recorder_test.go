package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/events"
	"github.com/a64core/hub/internal/store/sqlstore"
	"github.com/a64core/hub/internal/store/storetest"
)

func start(t *testing.T) (*events.Recorder, *bytes.Buffer) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "test.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var log bytes.Buffer
	return &events.Recorder{Store: s, Log: slog.New(slog.NewJSONHandler(&log, nil))}, &log
}

func TestARecordingStoreIsStillAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) hub.Store {
		r, _ := start(t)
		r.Log = slog.New(slog.DiscardHandler)
		return r
	})
}

func TestAnEventIsLoggedOnceWhenItIsKept(t *testing.T) {
	t.Parallel()
	r, log := start(t)
	now := time.Now().UTC()
	u := hub.User{
		ID: hub.NewID(), Email: "a@example.com", PasswordHash: hub.NewSecret("CANARY"), FirstName: "A", LastName: "B",
		Role: hub.RoleUser, IsActive: true, CreatedAt: now, UpdatedAt: now,
	}
	ctx := hub.WithOrigin(t.Context(), hub.Origin{IP: "192.0.2.1", UserAgent: "curl\ninjected=1", RequestID: "r1"})
	e := hub.NewEvent(ctx, hub.EventUserRegistered, u.ID, now).With("role", "user")
	if err := r.AddUser(ctx, u, e); err != nil {
		t.Fatal(err)
	}
	e2 := hub.NewEvent(ctx, hub.EventUserRegistered, "other", now)
	u.ID = hub.NewID()
	if err := r.AddUser(ctx, u, e2); !errors.Is(err, hub.ErrDuplicateEmail) {
		t.Fatalf("AddUser = %v", err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 1 {
		t.Fatalf("%d lines, want 1: what failed did not happen\n%s", len(lines), log)
	}
	var line map[string]string
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"level": "INFO", "event": "user.registered", "event_id": e.ID, "target_id": e.TargetID, "ip": "192.0.2.1", "role": "user",
	} {
		if line[name] != want {
			t.Errorf("%s = %q, want %q", name, line[name], want)
		}
	}
	if strings.Contains(log.String(), "CANARY") {
		t.Error("a hash is in the log")
	}
	log.Reset()
	if err := r.AddEvent(ctx, hub.NewEvent(ctx, hub.EventLoginFailed, u.ID, now)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), `"level":"WARN"`) {
		t.Errorf("a refusal is no warning: %s", log)
	}
}
