package hub

// Role is what a user may do. Roles are ordered: a greater role outranks a lesser one.
type Role uint8

// The five roles, lowest first. The zero Role is none of them.
const (
	RoleGuest Role = iota + 1
	RoleUser
	RoleModerator
	RoleAdmin
	RoleSuperAdmin
)

// Roles lists all roles, lowest first.
func Roles() []Role { return []Role{RoleGuest, RoleUser, RoleModerator, RoleAdmin, RoleSuperAdmin} }

// String returns the role's name on the wire and in databases, such as "super_admin".
func (r Role) String() string {
	switch r {
	case RoleGuest:
		return "guest"
	case RoleUser:
		return "user"
	case RoleModerator:
		return "moderator"
	case RoleAdmin:
		return "admin"
	case RoleSuperAdmin:
		return "super_admin"
	}
	return "none"
}

// ParseRole returns the role of exactly that name.
func ParseRole(name string) (Role, bool) {
	for _, r := range Roles() {
		if r.String() == name {
			return r, true
		}
	}
	return 0, false
}

// Action is something one user does to another, or to the own account.
type Action uint8

// The actions. What each needs stands in [Role.May].
const (
	ActionView Action = iota + 1
	ActionEdit
	ActionDelete
	ActionChangeRole
	ActionSuspend // activate and deactivate
	ActionRestore
	ActionManageSessions
)

// May reports whether a user of role r may do action to a user of role target; self says that both are the same user.
// It is the one place that knows the rank rule: a write on another account needs a rank strictly above the target's,
// and a super_admin may write any account. Nobody changes the own role or suspends the own account, and a guest does
// nothing here.
func (r Role) May(action Action, target Role, self bool) bool {
	if r < RoleUser {
		return false
	}
	if self {
		return action == ActionView || action == ActionEdit || action == ActionDelete ||
			(action == ActionManageSessions && r == RoleSuperAdmin)
	}
	outranks := r > target || r == RoleSuperAdmin
	switch action {
	case ActionView:
		return r >= RoleAdmin || (r == RoleModerator && outranks)
	case ActionSuspend:
		return r >= RoleModerator && outranks
	case ActionEdit, ActionDelete, ActionChangeRole, ActionRestore, ActionManageSessions:
		return r >= RoleAdmin && outranks
	}
	return false
}

// MayAssign reports whether a user of role r may give somebody else the role other.
func (r Role) MayAssign(other Role) bool {
	return r == RoleSuperAdmin || (r == RoleAdmin && other < r)
}

// MayKnowAbsent reports whether a user of role r may learn that an id names nobody. All others are answered as if the
// account existed and were not theirs to touch.
func (r Role) MayKnowAbsent() bool { return r >= RoleAdmin }
