package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
)

// View returns the user id. FORBIDDEN, USER_NOT_FOUND.
func (s *Service) View(ctx context.Context, id string) (hub.User, error) {
	u, err := s.read(ctx, id, hub.ActionView)
	if err != nil {
		return hub.User{}, err
	}
	return u, nil
}

// List returns a page of users, for admins. A total of more than a thousand may be a minute old. VALIDATION_ERROR for a cursor
// that no page gave out.
func (s *Service) List(ctx context.Context, q hub.UserQuery) (hub.UserPage, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.UserPage{}, err
	}
	if asking.Role < hub.RoleAdmin {
		return hub.UserPage{}, hub.NewError(hub.CodeForbidden)
	}
	page, err := s.page(ctx, q)
	if errors.Is(err, hub.ErrNotFound) {
		return hub.UserPage{}, hub.Invalid(hub.FieldError{Location: "query.cursor", Message: "is not a cursor of this list"})
	}
	if err != nil {
		return hub.UserPage{}, fmt.Errorf("list users: %w", err)
	}
	return page, nil
}

// Stats counts what the hub keeps, for admins.
func (s *Service) Stats(ctx context.Context) (hub.Stats, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.Stats{}, err
	}
	if asking.Role < hub.RoleAdmin {
		return hub.Stats{}, hub.NewError(hub.CodeForbidden)
	}
	stats, err := s.Store.Stats(ctx, s.Now())
	if err != nil {
		return hub.Stats{}, fmt.Errorf("count: %w", err)
	}
	return stats, nil
}
