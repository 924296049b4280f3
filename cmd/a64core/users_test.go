package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// installation is a folder with a database of its own, for commands that run inside the test.
type installation struct {
	dir string
	env map[string]string
}

func install(t *testing.T) installation {
	t.Helper()
	dir := t.TempDir()
	return installation{dir, map[string]string{"DATA_DIR": dir, "BCRYPT_COST": "4"}}
}

func (i installation) try(t *testing.T, args ...string) outcome {
	t.Helper()
	return tryWith(t, i.env, testPassword+"\n", args...)
}

// do runs a command that must succeed and reads its JSON into v, unless that is nil.
func (i installation) do(t *testing.T, v any, args ...string) string {
	t.Helper()
	got := i.try(t, args...)
	if got.code != exitOK {
		t.Fatalf("%v: exit code %d\n%s%s", args, got.code, got.stdout, got.stderr)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(got.stdout), v); err != nil {
			t.Fatalf("%v: %v in %s", args, err, got.stdout)
		}
	}
	return got.stdout
}

// create makes an account by the command line.
func (i installation) create(t *testing.T, email, role string, more ...string) userView {
	t.Helper()
	var u userView
	i.do(t, &u, append(creation(email, role), append(more, "--json")...)...)
	return u
}

func creation(email, role string) []string {
	return []string{"users", "create", "--email", email, "--role", role, "--first-name", "Ada", "--last-name", "Lovelace", "--password-stdin"}
}

// stored returns the account as the database has it.
func (i installation) stored(t *testing.T, email string) hub.User {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(i.dir, "a64core.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	u, err := s.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// RBA-26
func TestR35_FreshInstallationHasNoAccount(t *testing.T) {
	t.Parallel()
	i := install(t)
	var list struct{ Total int }
	i.do(t, &list, "users", "list", "--json")
	var deleted struct{ Total int }
	i.do(t, &deleted, "users", "list", "--deleted", "--json")
	if list.Total != 0 || deleted.Total != 0 {
		t.Errorf("%d accounts and %d deleted ones on a fresh installation", list.Total, deleted.Total)
	}
	if got := i.do(t, nil, "users", "list"); !strings.HasSuffix(got, "0 of 0\n") {
		t.Errorf("got %q", got)
	}
}

// RBA-25
func TestR35_SecondBootstrapChangesNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin")
	before := i.stored(t, "root@example.com")
	for _, email := range []string{"root@example.com", "ROOT@Example.com "} {
		got := tryWith(t, i.env, "Another-Password-8-Here\n", creation(email, "user")...)
		if got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, "Another account uses this e-mail address.") {
			t.Errorf("%q again: %+v", email, got)
		}
	}
	if after := i.stored(t, "root@example.com"); after.PasswordHash != before.PasswordHash || after.Role != hub.RoleSuperAdmin || after.Version != before.Version {
		t.Errorf("the account changed: %+v, before %+v", after, before)
	}
}

func TestUsersCreateAnswersInTextAndJSON(t *testing.T) {
	t.Parallel()
	i := install(t)
	text := i.do(t, nil, creation("Ada@EXAMPLE.com", "admin")...)
	for _, part := range []string{"ada@example.com", "Ada Lovelace", "admin", "active, unverified", "never"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
	u := i.create(t, "bob@example.com", "user", "--verified")
	if !hub.IsID(u.UserID) || u.Email != "bob@example.com" || u.Role != "user" || !u.IsActive || !u.IsEmailVerified || u.DeletedAt != nil || u.LastLoginAt != nil {
		t.Errorf("got %+v", u)
	}
	var status statusView
	i.do(t, &status, "store", "status", "--json")
	if mails := status.Databases[0].Mails; mails[hub.MailQueued] != 1 {
		t.Errorf("mails %v, want one: to the unverified address", mails)
	}
	var events []eventView
	i.do(t, &events, "events", "--json")
	if len(events) != 2 || events[0].Kind != "user.created" || events[0].TargetID != u.UserID || events[0].UserAgent != "a64core command line" {
		t.Errorf("events: %+v", events)
	}
}

func TestPasswordFromStandardInputEndsAtTheFirstLineBreak(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, input string
		code        int
	}{
		{"line", testPassword + "\n", exitOK},
		{"line of Windows", testPassword + "\r\n", exitOK},
		{"no line break", testPassword, exitOK},
		{"more lines", testPassword + "\nmore\n", exitOK},
		{"spaces belong to it", " " + testPassword + " \n", exitOK},
		{"nothing", "", exitFailure},
		{"weak", "password\n", exitFailure},
		{"endless", strings.Repeat("Aa1!", 1<<20), exitFailure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tryWith(t, install(t).env, tt.input, creation("ada@example.com", "user")...)
			if got.code != tt.code {
				t.Fatalf("got %+v", got)
			}
			if tt.code != exitOK && !strings.Contains(got.stderr, "password: ") {
				t.Errorf("does not name the password: %s", got.stderr)
			}
			if strings.Contains(got.stdout+got.stderr, testPassword) {
				t.Error("shows the password")
			}
		})
	}
}

func TestUsersCommandsFollowAnAccountThroughItsLife(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin", "--verified")
	ada := i.create(t, "ada@example.com", "user", "--verified")
	steps := []struct {
		args  string // the account stands for its id and its address in turn
		state string
		event string
	}{
		{"users set-role ACCOUNT moderator", "active", "user.role_changed"},
		{"users deactivate ACCOUNT", "inactive", "user.deactivated"},
		{"users activate ACCOUNT", "active", "user.activated"},
		{"users set-password ACCOUNT --password-stdin", "active", "password.changed"},
		{"users delete ACCOUNT", "deleted ", "user.deleted"},
		{"users restore ACCOUNT", "active", "user.restored"},
	}
	for n, step := range steps {
		account := []string{ada.UserID, "ADA@example.com"}[n%2]
		args := strings.Fields(strings.ReplaceAll(step.args, "ACCOUNT", account))
		if text := i.do(t, nil, args...); !strings.Contains(text, "ada@example.com") || !strings.Contains(text, "State       "+step.state) {
			t.Errorf("%s: got\n%s", step.args, text)
		}
		var shown struct {
			userView
			Sessions int
			Events   []eventView
		}
		i.do(t, &shown, "users", "show", account, "--json")
		if !strings.HasPrefix(shown.state(), step.state) || shown.Events[0].Kind != step.event || shown.Events[0].UserAgent != "a64core command line" {
			t.Errorf("%s: shown as %s after %+v", step.args, shown.state(), shown.Events[0])
		}
	}
	var u userView
	for _, args := range [][]string{ // what is so already is no failure, and answers in JSON
		{"set-role", ada.UserID, "moderator"},
		{"activate", ada.UserID},
		{"deactivate", ada.UserID},
		{"deactivate", ada.UserID},
		{"delete", ada.UserID},
		{"restore", ada.UserID},
		{"set-password", ada.UserID, "--password-stdin"},
	} {
		i.do(t, &u, append([]string{"users"}, append(args, "--json")...)...)
		if u.UserID != ada.UserID || u.Role != "moderator" {
			t.Errorf("%v: %+v", args, u)
		}
	}
	text := i.do(t, nil, "users", "show", "ada@example.com", "--events", "3")
	if !strings.Contains(text, "Sessions") || strings.Count(text, "password.changed") != 1 || strings.Contains(text, "user.created") {
		t.Errorf("got\n%s", text)
	}
	if text := i.do(t, nil, "users", "show", "ada@example.com", "--events", "0"); strings.Contains(text, "EVENT") {
		t.Errorf("shows events:\n%s", text)
	}
}

func TestUsersCommandsRefuse(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin")
	const nobody = "0198c0de-7a11-7c0d-8b1e-0123456789ab"
	tests := []struct {
		args   string
		code   int
		stderr string
	}{
		{"users show " + nobody, exitFailure, "There is no such user."},
		{"users show nobody@example.com", exitFailure, "There is no such user."},
		{"users show root", exitFailure, "There is no such user."},
		{"users show a@b", exitFailure, "the e-mail address"},
		{"users delete " + nobody, exitFailure, "There is no such user."},
		{"users restore root@example.com", exitFailure, "There is no such user."},
		{"users activate " + nobody + " --json", exitFailure, "There is no such user."},
		{"users set-role root@example.com admin", exitFailure, "At least one active super_admin must remain."},
		{"users deactivate root@example.com", exitFailure, "At least one active super_admin must remain."},
		{"users delete root@example.com", exitFailure, "At least one active super_admin must remain."},
		{"users set-password root@example.com", exitFailure, "--password-stdin"},
		{"users set-password " + nobody + " --password-stdin", exitFailure, "There is no such user."},
		{"users create --email x --first-name A --last-name B --password-stdin", exitFailure, "email: "},
		{"users create --email a@example.com --first-name A --last-name B", exitFailure, "--password-stdin"},
		{"users create --email a@example.com --password-stdin", exitUsage, "--first-name"},
		{"users create --email a@example.com --first-name A --last-name B --role king", exitUsage, "--role must be one of"},
		{"users set-role root@example.com king", exitUsage, "must be one of"},
		{"users set-role root@example.com", exitUsage, "<role>"},
		{"users list --role king", exitUsage, "--role must be one of"},
		{"users list --limit 0", exitUsage, "must be at least 1"},
		{"users list --limit -1", exitUsage, "--limit"},
		{"users list --active --inactive", exitUsage, "can't be used together"},
		{"users show", exitUsage, "<user>"},
		{"users", exitUsage, "a64core users --help"},
		{"events --limit 0", exitUsage, "must be at least 1"},
		{"events --user nobody@example.com", exitFailure, "There is no such user."},
		{"events --user root", exitFailure, "There is no such user."},
		{"users list --port x", exitFailure, "PORT: must be"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			got := i.try(t, strings.Fields(tt.args)...)
			if got.code != tt.code || got.stdout != "" || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestUsersListSelects(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin", "--verified")
	for n := range 3 {
		i.create(t, fmt.Sprintf("user%d@example.com", n), "user", "--verified")
	}
	i.do(t, nil, "users", "deactivate", "user1@example.com")
	i.do(t, nil, "users", "delete", "user2@example.com")
	tests := []struct {
		args  string
		total int
		want  string
	}{
		{"", 3, "user1 user0 root"},
		{"--role super_admin", 1, "root"},
		{"--role guest", 0, ""},
		{"--active", 2, "user0 root"},
		{"--inactive", 1, "user1"},
		{"--deleted", 1, "user2"},
		{"--search USER", 2, "user1 user0"},
		{"--limit 1", 3, "user1"},
		{"--limit 1 --offset 1", 3, "user0"},
		{"--offset 9", 3, ""},
		{"--limit 4294967295 --offset 4294967295", 3, ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			var list struct {
				Data  []userView
				Total int
			}
			i.do(t, &list, append([]string{"users", "list", "--json"}, strings.Fields(tt.args)...)...)
			var names []string
			for _, u := range list.Data {
				names = append(names, strings.TrimSuffix(u.Email, "@example.com"))
			}
			if got := strings.Join(names, " "); got != tt.want || list.Total != tt.total || list.Data == nil {
				t.Errorf("got %q of %d, want %q of %d", got, list.Total, tt.want, tt.total)
			}
			text := i.do(t, nil, append([]string{"users", "list"}, strings.Fields(tt.args)...)...)
			if !strings.HasPrefix(text, "ID ") || !strings.HasSuffix(text, fmt.Sprintf("%d of %d\n", len(names), tt.total)) {
				t.Errorf("got\n%s", text)
			}
		})
	}
}

func TestEventsNameAnAccountByIDOrAddress(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin")
	ada := i.create(t, "ada@example.com", "user")
	i.do(t, nil, "users", "set-role", ada.UserID, "guest")
	for _, name := range []string{ada.UserID, "Ada@example.com"} {
		var events []eventView
		i.do(t, &events, "events", "--user", name, "--json")
		if len(events) != 2 || events[0].Kind != "user.role_changed" || events[0].Detail["to"] != "guest" {
			t.Errorf("--user %s: %+v", name, events)
		}
		if text := i.do(t, nil, "events", "--user", name, "--limit", "1"); !strings.Contains(text, `from="user" to="guest"`) || strings.Contains(text, "user.created") {
			t.Errorf("--user %s:\n%s", name, text)
		}
	}
	// An account that was purged left its events under its id.
	var none []eventView
	i.do(t, &none, "events", "--user", "0198c0de-7a11-7c0d-8b1e-0123456789ab", "--json")
	if none == nil || len(none) != 0 {
		t.Errorf("got %v, want an empty list", none)
	}
}
