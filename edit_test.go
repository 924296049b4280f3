package hub_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// counted counts the updates that are tried.
type counted struct {
	hub.UserStore
	updates atomic.Int64
}

func (c *counted) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	c.updates.Add(1)
	return c.UserStore.UpdateUser(ctx, u, e, mails...)
}

// TestManyEditsOfOneUserDoNotMultiply has many edit the same user at once. If all tried again as soon as one of them has won, the
// work would grow with the square of their number: 5,050 updates.
func TestManyEditsOfOneUserDoNotMultiply(t *testing.T) {
	t.Parallel()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(t.TempDir(), "hub.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	now := time.Now().UTC().Truncate(time.Millisecond)
	u := hub.User{ID: hub.NewID(), Email: "ada@example.com", Role: hub.RoleUser, CreatedAt: now, UpdatedAt: now, Version: 1}
	if err := store.AddUser(t.Context(), u, hub.NewEvent(t.Context(), hub.EventUserCreated, u.ID, now)); err != nil {
		t.Fatal(err)
	}
	const editors = 100
	s := &counted{UserStore: store}
	var group sync.WaitGroup
	for range editors {
		group.Go(func() {
			_, err := hub.EditUser(t.Context(), s, u.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
				u.FirstName += "x"
				return hub.NewEvent(t.Context(), hub.EventUserUpdated, u.ID, now), nil, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, err := store.UserByID(t.Context(), u.ID); err != nil || len(got.FirstName) != editors {
		t.Errorf("%d of %d edits are stored, error %v", len(got.FirstName), editors, err)
	}
	if n := s.updates.Load(); n > 10*editors {
		t.Errorf("%d updates were tried for %d edits", n, editors)
	}
}
