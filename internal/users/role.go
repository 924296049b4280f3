package users

import (
	"context"

	"github.com/a64core/hub"
)

// ChangeRole gives the user id another role; it bites on their next request. FORBIDDEN for the own role, for a rank not
// below the actor's and for a role that the actor may not assign; USER_NOT_FOUND; CONFLICT for the last super_admin.
func (s *Service) ChangeRole(ctx context.Context, id string, role hub.Role) (hub.User, error) {
	asking, err := actor(ctx)
	if err != nil {
		return hub.User{}, err
	}
	return s.edit(ctx, id, hub.ActionChangeRole, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if !asking.Role.MayAssign(role) {
			return hub.Event{}, nil, hub.NewError(hub.CodeForbidden)
		}
		if u.Role == role {
			return hub.Event{}, nil, hub.ErrUnchanged
		}
		from := u.Role
		u.Role = role
		u.UpdatedAt = s.Now()
		return hub.NewEvent(ctx, hub.EventRoleChanged, u.ID, u.UpdatedAt).
			With("from", from.String()).With("to", role.String()), nil, nil
	})
}
