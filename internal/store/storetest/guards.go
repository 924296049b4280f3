package storetest

import (
	"testing"

	"github.com/a64core/hub"
)

func guardTests() []test {
	return []test{
		{"TheLastSuperAdminStays", lastSuperAdminStays},
		{"TheLastSuperAdminStaysAlsoByMailToken", lastSuperAdminStaysByToken},
		{"TheLastSuperAdminMayChangeOtherwise", lastSuperAdminMayChange},
		{"OneOfTwoSuperAdminsMayGo", oneOfTwoMayGo},
		{"WithoutSuperAdminsOthersMayChange", othersMayChange},
		{"SimultaneousDemotionsLeaveOne", demotionsLeaveOne},
	}
}

// resignations are the ways to stop being an active super_admin.
func resignations() map[string]func(*hub.User) {
	return map[string]func(*hub.User){
		"demoted": withRole(hub.RoleAdmin), "deactivated": inactive, "deleted": deletedAt(start()),
		"all of it": func(u *hub.User) { u.Role, u.IsActive, u.DeletedAt = hub.RoleUser, false, start() },
	}
}

// addBystanders adds super_admins that do not count and users that are none.
func addBystanders(t *testing.T, s hub.Store) {
	t.Helper()
	addUser(t, s, newUser("inactive@example.com", withRole(hub.RoleSuperAdmin), inactive))
	addUser(t, s, newUser("deleted@example.com", withRole(hub.RoleSuperAdmin), deletedAt(start())))
	addUser(t, s, newUser("admin@example.com", withRole(hub.RoleAdmin)))
}

func lastSuperAdminStays(t *testing.T, s hub.Store) {
	addBystanders(t, s)
	last := addUser(t, s, newUser("root@example.com", withRole(hub.RoleSuperAdmin)))
	for name, resign := range resignations() {
		changed := last
		resign(&changed)
		wantError(t, name, s.UpdateUser(t.Context(), changed, newEvent(last.ID)), hub.ErrLastSuperAdmin)
	}
	wantSame(t, "the last super_admin", storedUser(t, s, last.ID), last)
}

func lastSuperAdminStaysByToken(t *testing.T, s hub.Store) {
	addBystanders(t, s)
	last := addUser(t, s, newUser("root@example.com", withRole(hub.RoleSuperAdmin)))
	token := addMailToken(t, s, last)
	for name, resign := range resignations() {
		changed := last
		resign(&changed)
		wantError(t, name, s.SpendMailToken(t.Context(), token.ID, start(), changed, newEvent(last.ID)), hub.ErrLastSuperAdmin)
	}
	wantSame(t, "the last super_admin", storedUser(t, s, last.ID), last)
	stored, err := s.MailTokenByID(t.Context(), token.ID)
	must(t, "read mail token", err)
	wantSame(t, "the token", stored, token)
}

func lastSuperAdminMayChange(t *testing.T, s hub.Store) {
	last := addUser(t, s, newUser("root@example.com", withRole(hub.RoleSuperAdmin)))
	last.FirstName, last.Email = "Grace", "grace@example.com"
	last.EndSessions("")
	must(t, "update user", s.UpdateUser(t.Context(), last, newEvent(last.ID)))
	must(t, "purge user", s.PurgeUser(t.Context(), last.ID, 2, newEvent(last.ID)))
}

func oneOfTwoMayGo(t *testing.T, s hub.Store) {
	for name, resign := range resignations() {
		one := addUser(t, s, newUser(name+"1@example.com", withRole(hub.RoleSuperAdmin)))
		other := addUser(t, s, newUser(name+"2@example.com", withRole(hub.RoleSuperAdmin)))
		resign(&one)
		must(t, name, s.UpdateUser(t.Context(), one, newEvent(one.ID)))
		must(t, "purge the other", s.PurgeUser(t.Context(), other.ID, 1, newEvent(other.ID)))
	}
}

func othersMayChange(t *testing.T, s hub.Store) {
	addBystanders(t, s)
	u := addUser(t, s, newUser("user@example.com"))
	u.IsActive = false
	must(t, "update user", s.UpdateUser(t.Context(), u, newEvent(u.ID)))
}

func demotionsLeaveOne(t *testing.T, s hub.Store) {
	const admins = 12
	all := make([]hub.User, admins)
	for i := range all {
		all[i] = addUser(t, s, newUser(hub.NewID()+"@example.com", withRole(hub.RoleSuperAdmin)))
	}
	errs := atOnce(admins, func(i int) error {
		u := all[i]
		u.Role = hub.RoleAdmin
		return s.UpdateUser(t.Context(), u, newEvent(u.ID))
	})
	wantErrors(t, errs, admins-1, hub.ErrLastSuperAdmin)
	page, err := s.Users(t.Context(), hub.UserQuery{Role: hub.RoleSuperAdmin, Limit: admins})
	must(t, "list super_admins", err)
	if page.Total != 1 {
		t.Errorf("%d super_admins are left, want 1", page.Total)
	}
}
