package users

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/password"
)

// Store is what the use cases need of a store.
type Store interface {
	hub.UserStore
	hub.SessionStore
	Stats(ctx context.Context, now time.Time) (hub.Stats, error)
}

// Service does the use cases. All exported fields are required.
type Service struct {
	Store     Store
	Passwords *password.Hasher
	Policy    *password.Policy
	Rules     Rules
	Now       func() time.Time

	totals totals
}

// Rules are the settings that the use cases follow.
type Rules struct {
	DeletedPurge    time.Duration // how long a soft-deleted user is kept and can be restored; 0: for ever
	UnverifiedPurge time.Duration // how long an account may stay unverified; 0: for ever
}

// AsSystem returns a context whose actor is the operator at the command line: the rank of a super_admin, and nobody's id.
func AsSystem(ctx context.Context) context.Context {
	return hub.WithActor(ctx, &hub.Actor{User: hub.User{Role: hub.RoleSuperAdmin, IsActive: true}})
}

// actor returns who asks.
func actor(ctx context.Context) (hub.User, error) {
	a, ok := hub.ActorFrom(ctx)
	if !ok {
		return hub.User{}, hub.NewError(hub.CodeUnauthenticated)
	}
	return a.User, nil
}

// permit decides whether the actor may do action to target. Without permission the answer is FORBIDDEN.
func permit(actor hub.User, action hub.Action, target *hub.User) error {
	if !actor.Role.May(action, target.Role, actor.ID == target.ID) {
		return hub.NewError(hub.CodeForbidden)
	}
	return nil
}

// absent is the answer about an account that is not there: USER_NOT_FOUND, or FORBIDDEN for whoever may not know.
func absent(actor hub.User) error {
	if actor.Role.MayKnowAbsent() {
		return hub.NewError(hub.CodeUserNotFound)
	}
	return hub.NewError(hub.CodeForbidden)
}

// edit changes the user id on behalf of the actor: permission is decided on the very version that is replaced. Deleted
// users are absent, unless the action is to restore them.
func (s *Service) edit(ctx context.Context, id string, action hub.Action, change func(*hub.User) (hub.Event, []hub.Mail, error)) (hub.User, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.User{}, err
	}
	if !hub.IsID(id) {
		return hub.User{}, absent(asking)
	}
	var present hub.User
	u, err := hub.EditUser(ctx, s.Store, id, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		present = *u
		if u.IsDeleted() != (action == hub.ActionRestore) {
			return hub.Event{}, nil, absent(asking)
		}
		if err := permit(asking, action, u); err != nil {
			return hub.Event{}, nil, err
		}
		return change(u)
	})
	switch {
	case errors.Is(err, hub.ErrUnchanged):
		return present, nil
	case errors.Is(err, hub.ErrNotFound):
		return hub.User{}, absent(asking)
	case errors.Is(err, hub.ErrLastSuperAdmin):
		return hub.User{}, hub.NewError(hub.CodeConflict).WithMessage("At least one active super_admin must remain.")
	}
	return u, err
}

// read returns the user id if the actor may do action to them.
func (s *Service) read(ctx context.Context, id string, action hub.Action) (hub.User, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.User{}, err
	}
	if !hub.IsID(id) {
		return hub.User{}, absent(asking)
	}
	u, err := s.Store.UserByID(ctx, id)
	if errors.Is(err, hub.ErrNotFound) || (err == nil && u.IsDeleted()) {
		return hub.User{}, absent(asking)
	}
	if err != nil {
		return hub.User{}, fmt.Errorf("read user: %w", err)
	}
	return u, permit(asking, action, &u)
}
