package archive_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/archive"
)

func TestCheckFindsWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	user := func(id, email string, epoch, version int64) hub.Record {
		return hub.Record{User: &hub.User{ID: id, Email: email, SessionEpoch: epoch, Version: version, Role: hub.RoleUser, IsActive: true}}
	}
	session := func(user string, epoch int64) hub.Record {
		return hub.Record{Session: &hub.Session{ID: "s" + user, UserID: user, Epoch: epoch}}
	}
	stone := func(user string) hub.Record {
		return hub.Record{Tombstone: &hub.Tombstone{UserID: user, PurgedAt: time.Unix(1, 0)}}
	}
	super := user("c", "c@example.com", 0, 1)
	super.User.Role = hub.RoleSuperAdmin
	idle := user("d", "d@example.com", 0, 1)
	idle.User.Role, idle.User.IsActive = hub.RoleSuperAdmin, false
	for name, tt := range map[string]struct {
		records []hub.Record
		users   int
		want    []string
	}{
		"nothing":               {nil, 0, nil},
		"all is well":           {[]hub.Record{session("a", 2), user("a", "a@example.com", 2, 1), super, idle}, 3, nil},
		"an orphan":             {[]hub.Record{session("a", 0), {MailToken: &hub.MailToken{ID: "m", UserID: "a"}}}, 0, []string{"users who have sessions or mail tokens are missing: 1"}},
		"purged meanwhile":      {[]hub.Record{session("a", 0), user("a", "a@example.com", 0, 1), user("b", "a@example.com", 0, 1), stone("a")}, 1, nil},
		"purged before":         {[]hub.Record{session("a", 0), stone("a")}, 0, nil},
		"purged, by its event":  {[]hub.Record{session("a", 0), {Event: &hub.Event{ID: "e", Kind: hub.EventUserPurged, TargetID: "a"}}}, 0, nil},
		"an epoch not reached":  {[]hub.Record{session("a", 3), user("a", "a@example.com", 2, 1)}, 1, []string{"users who have sessions of an epoch that they have not reached: 1"}},
		"an address of two":     {[]hub.Record{user("a", "a@example.com", 0, 1), user("b", "a@example.com", 0, 1)}, 2, []string{"users who have the address of another user: 1"}},
		"an address given up":   {[]hub.Record{user("a", "a@example.com", 0, 1), user("b", "a@example.com", 0, 1), user("a", "new@example.com", 0, 2)}, 2, nil},
		"an older state, later": {[]hub.Record{user("a", "new@example.com", 0, 2), user("a", "a@example.com", 0, 1), user("b", "a@example.com", 0, 1)}, 2, nil},
		"no active super_admin": {[]hub.Record{idle}, 1, []string{"none of the super_admins is active"}},
	} {
		check := archive.NewCheck()
		check.Add(tt.records...)
		if diff := cmp.Diff(tt.want, check.Findings()); diff != "" || check.Users() != tt.users {
			t.Errorf("%s: %d users, findings (-want +got):\n%s", name, check.Users(), diff)
		}
	}
}
