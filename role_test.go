package hub_test

import (
	"testing"

	"github.com/a64core/hub"
)

// TestRoleMatrix is the matrix of the specification, written out by hand: for each action the lowest role that may do
// it to the own account, to a lower, an equal and a higher rank. Zero is nobody.
func TestRoleMatrix(t *testing.T) {
	t.Parallel()
	const (
		nobody = hub.Role(0)
		user   = hub.RoleUser
		mod    = hub.RoleModerator
		admin  = hub.RoleAdmin
		super  = hub.RoleSuperAdmin
	)
	tests := []struct {
		name          string
		action        hub.Action
		self, lower   hub.Role
		equalOrHigher hub.Role
	}{
		{"view", hub.ActionView, user, mod, admin},
		{"edit", hub.ActionEdit, user, admin, super},
		{"delete", hub.ActionDelete, user, admin, super},
		{"change role", hub.ActionChangeRole, nobody, admin, super},
		{"suspend", hub.ActionSuspend, nobody, mod, super},
		{"restore", hub.ActionRestore, nobody, admin, super},
		{"manage sessions", hub.ActionManageSessions, super, admin, super},
	}
	for _, tt := range tests {
		for _, actor := range hub.Roles() {
			if got, want := actor.May(tt.action, actor, true), tt.self != nobody && actor >= tt.self; got != want {
				t.Errorf("%s: %s to self = %v, want %v", tt.name, actor, got, want)
			}
			for _, target := range hub.Roles() {
				lowest := tt.equalOrHigher
				if target < actor {
					lowest = tt.lower
				}
				if got, want := actor.May(tt.action, target, false), actor >= lowest; got != want {
					t.Errorf("%s: %s to %s = %v, want %v", tt.name, actor, target, got, want)
				}
			}
		}
		if hub.Role(0).May(tt.action, 0, false) {
			t.Errorf("%s: the zero role may", tt.name)
		}
	}
}

func TestMayAssignOnlyBelowTheOwnRank(t *testing.T) {
	t.Parallel()
	for _, actor := range hub.Roles() {
		for _, role := range hub.Roles() {
			want := actor == hub.RoleSuperAdmin || (actor == hub.RoleAdmin && role < hub.RoleAdmin)
			if got := actor.MayAssign(role); got != want {
				t.Errorf("%s assigns %s = %v, want %v", actor, role, got, want)
			}
		}
	}
}

func TestParseRoleTakesExactNamesOnly(t *testing.T) {
	t.Parallel()
	for _, r := range hub.Roles() {
		if got, ok := hub.ParseRole(r.String()); !ok || got != r {
			t.Errorf("ParseRole(%q) = %v, %v", r.String(), got, ok)
		}
	}
	for _, name := range []string{"", "none", "ADMIN", "Admin", "super_admin ", "root", "2"} {
		if r, ok := hub.ParseRole(name); ok {
			t.Errorf("ParseRole(%q) = %v, want none", name, r)
		}
	}
}
