package api

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func TestUserOnTheWireIsTheContracts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 4, 4, 5, 600e6, time.FixedZone("CET", 3600))
	full := hub.User{
		ID: "id", Email: "e", PasswordHash: hub.NewSecret("CANARY"), FirstName: "f", LastName: "l", Role: hub.RoleUser,
		IsActive: true, IsEmailVerified: true, Phone: "p", Avatar: "a", Timezone: "t", Locale: "lo", Metadata: []byte(`{"k":1}`),
		LastLoginAt: at, CreatedAt: at, UpdatedAt: at, DeletedAt: at, SessionEpoch: 7, KeptSession: "CANARY", Version: 9,
	}
	const known = `"userId":"id","email":"e","firstName":"f","lastName":"l","role":"user","isActive":true,"isEmailVerified":true,` +
		`"phone":"p","avatar":"a","timezone":"t","locale":"lo","lastLoginAt":"2026-01-02T03:04:05.600Z",` +
		`"createdAt":"2026-01-02T03:04:05.600Z","updatedAt":"2026-01-02T03:04:05.600Z"`
	const empty = `"userId":"","email":"","firstName":"","lastName":"","role":"guest","isActive":false,"isEmailVerified":false,` +
		`"phone":null,"avatar":null,"timezone":null,"locale":null,"lastLoginAt":null,` +
		`"createdAt":"2026-01-02T03:04:05.600Z","updatedAt":"2026-01-02T03:04:05.600Z"`
	bare := hub.User{Role: hub.RoleGuest, CreatedAt: at, UpdatedAt: at}
	for _, tt := range []struct {
		name   string
		user   hub.User
		viewer hub.Role
		want   string
	}{
		{"to themselves", full, hub.RoleUser, "{" + known + "}"},
		{"to nobody signed in", full, 0, "{" + known + "}"},
		{"to a moderator", full, hub.RoleModerator, "{" + known + "}"},
		{"to an admin", full, hub.RoleAdmin, "{" + known + `,"metadata":{"k":1}}`},
		{"bare", bare, hub.RoleUser, "{" + empty + "}"},
		{"bare, to an admin", bare, hub.RoleSuperAdmin, "{" + empty + `,"metadata":null}`},
	} {
		got, err := json.Marshal(newUser(&tt.user, tt.viewer))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, string(got)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

func TestStatsAddUp(t *testing.T) {
	t.Parallel()
	got := newStats(hub.Stats{
		Users:   []hub.UserCount{{Role: hub.RoleAdmin, Active: 1, Verified: 1}, {Role: hub.RoleUser, Active: 5, Inactive: 2, Verified: 3}},
		Deleted: 4, Sessions: 6, Mails: map[hub.MailState]int{hub.MailQueued: 7, hub.MailDead: 8},
	})
	want := Stats{
		Users: UserStats{Total: 8, Active: 6, Inactive: 2, Verified: 4, Deleted: 4, ByRole: []RoleStats{
			{Role: "guest"},
			{Role: "user", Active: 5, Inactive: 2, Verified: 3},
			{Role: "moderator"},
			{Role: "admin", Active: 1, Verified: 1},
			{Role: "super_admin"},
		}},
		Sessions: 6, Mails: MailStats{Queued: 7, Dead: 8},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
