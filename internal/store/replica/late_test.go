package replica_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

// late is a database that takes its time to find users.
type late struct{ hub.Database }

func (late) Ping(context.Context) error                   { return nil }
func (late) Backlog(context.Context) (hub.Backlog, error) { return hub.Backlog{}, nil }
func (late) AddEvent(context.Context, hub.Event) error    { return nil }

func (late) UserByEmail(ctx context.Context, email string) (hub.User, error) {
	select {
	case <-time.After(2 * time.Second):
		return newUser(email), nil
	case <-ctx.Done():
		return hub.User{}, ctx.Err()
	}
}

// TestALateAnswerIsBetterThanNone lets an overloaded primary answer where nobody can stand in for it.
func TestALateAnswerIsBetterThanNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := replica.New(t.Context(), replica.Config{
			Primary: late{}, Log: slog.New(slog.DiscardHandler),
			OpenSecondary: func(context.Context) (hub.Database, error) { return nil, hub.ErrUnavailable },
		})
		must(t, "open", err)
		u, err := s.UserByEmail(t.Context(), "a@example.com")
		must(t, "read user", err)
		if u.Email != "a@example.com" {
			t.Errorf("found %+v", u)
		}
	})
}
