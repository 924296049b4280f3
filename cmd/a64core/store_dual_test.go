package main

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/testdb"
)

// want runs a command and reports unless it ends with the code, and its outputs have the parts.
func (i installation) want(t *testing.T, code int, command string, parts ...string) outcome {
	t.Helper()
	got := i.try(t, strings.Fields(command)...)
	for _, part := range parts {
		if got.code != code || !strings.Contains(got.stdout+got.stderr, part) {
			t.Errorf("%s: exit code %d, want %d and %q in\n%s%s", command, got.code, code, part, got.stdout, got.stderr)
		}
	}
	return got
}

// read runs a command that ends with the code and reads its JSON.
func read[T any](t *testing.T, i installation, code int, command string) (v T) {
	t.Helper()
	got := i.try(t, strings.Fields(command+" --json")...)
	if got.code != code || got.stderr != "" {
		t.Errorf("%s: exit code %d, want %d\n%s%s", command, got.code, code, got.stdout, got.stderr)
	}
	if err := json.Unmarshal([]byte(got.stdout), &v); err != nil {
		t.Fatalf("%s: %v in %s", command, err, got.stdout)
	}
	return v
}

func TestProofToolsOfTwoDatabases(t *testing.T) {
	t.Parallel()
	s := installServers(t)
	s.want(t, exitFailure, "store status", "PRIMARY", "SECONDARY", "migrate it first")
	s.want(t, exitOK, "migrate", "The schema of mongodb is now at version", "The schema of mysql is now at version")
	s.create(t, "root@example.com", "super_admin")
	proxy := testdb.NewProxy(t, net.JoinHostPort(s.env["MYSQL_HOST"], s.env["MYSQL_PORT"]))
	proxy.Delay(60 * time.Millisecond) // a command has more time for its copies than a request
	_, port, _ := net.SplitHostPort(proxy.Addr())
	slow := s.with("MYSQL_HOST", "127.0.0.1", "MYSQL_PORT", port)
	ada, bob := slow.create(t, "ada@example.com", "user"), slow.create(t, "bob@example.com", "user")

	s.want(t, exitOK, "store status", "PRIMARY", "SECONDARY", "mongodb", "mysql", "3, and 0 deleted", "Caught up", "yes", "0 records wait to be copied", "none")
	if got := read[statusView](t, s.installation, exitOK, "store status"); !got.Replication.CaughtUp || got.Databases[1].Users != 3 || got.Databases[0].Role != "primary" {
		t.Errorf("status: %+v", got)
	}
	s.want(t, exitOK, "store verify", "Compared: 3 users, 0 sessions and ", "Both databases are whole and hold the same.")
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.")
	s.want(t, exitOK, "store repair", "Both databases hold the same.")

	s.byHand(t, "UPDATE users SET phone = '+4912345' WHERE user_id = ?", ada.UserID)
	s.byHand(t, "DELETE FROM users WHERE user_id = ?", bob.UserID)
	s.want(t, exitFailure, "store verify", "user "+ada.UserID+": phone differs\n", "user "+bob.UserID+": is missing in mysql\n", "0 findings, 2 records differ.")
	s.want(t, exitOK, "store verify --kinds session", "Compared: 0 sessions.", "hold the same")
	if got := read[verification](t, s.installation, exitFailure, "store verify --kinds user"); got.Whole || got.Comparison.Differ != 2 ||
		len(got.Comparison.Listed) != 2 || !slices.Equal(got.Comparison.Listed[0].Fields, []string{"phone"}) || got.Comparison.Listed[1].MissingIn != "mysql" {
		t.Errorf("verify: %+v", got.Comparison)
	}
	s.want(t, exitFailure, "store repair", "To write: ", "To remove: 0. Nothing was changed: use --apply")
	s.want(t, exitFailure, "store verify", "phone differs")
	s.want(t, exitOK, "store repair --apply", "Written: ", "Removed: 0.", "Both databases hold the same.")
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.")

	s.byHand(t, "UPDATE users SET version = version + 7, phone = '+4912345' WHERE user_id = ?", ada.UserID)
	s.want(t, exitFailure, "store repair --apply", "user "+ada.UserID+": phone, version differ, and is newer in mysql\n", "1 record still differs", "--force replaces")
	if got := read[repairView](t, s.installation, exitOK, "store repair --apply --force"); *got.Written != 1 || !got.Applied || got.Comparison.Differ != 0 {
		t.Errorf("repair --force: %+v", got)
	}
	s.want(t, exitOK, "store verify", "Both databases are whole and hold the same.")

	away := s.with("MYSQL_PORT", "1")
	carl := away.create(t, "carl@example.com", "user")
	away.want(t, exitFailure, "store status", "4, and 0 deleted", "not reached", "The secondary database (mysql) cannot be asked: open the database (mysql): ", "wait to be copied")
	status := read[statusView](t, away, exitFailure, "store status")
	if r := status.Replication; r == nil || r.Pending < 2 || r.Oldest == nil || r.LastError == nil || r.LastError.Error == "" || status.Databases[1].Error == "" || status.Databases[1].DatabaseDetails != nil {
		t.Errorf("status without MySQL: %+v", status)
	}
	away.want(t, exitFailure, "store verify", "open the database (mysql): ")
	s.want(t, exitOK, "store verify", "; 1 record waits to be copied", "Both databases are whole and hold the same.")
	s.want(t, exitOK, "store status", "Lag ", "Last error", "Oldest")
	s.want(t, exitOK, "store repair --apply", "Both databases hold the same.")
	if got := read[statusView](t, s.installation, exitOK, "store status"); got.Replication.Pending != 0 || got.Databases[1].Users != 4 {
		t.Errorf("status after the repair: %+v", got.Replication)
	}

	s.failOverAndBack(t, carl.UserID)
}

// failOverAndBack has the hub work on MySQL alone for a while, and goes back.
func (s servers) failOverAndBack(t *testing.T, userID string) {
	alone := s.with("DATABASE", "mysql")
	alone.want(t, exitOK, "store status", "Mode: mysql", "DATABASE", "4, and 0 deleted")
	alone.want(t, exitOK, "store verify", "The database is whole.")
	alone.want(t, exitFailure, "store repair", "there is nothing to repair MySQL alone from")
	alone.create(t, "dora@example.com", "user")
	alone.do(t, nil, "users", "set-role", userID, "moderator")
	s.want(t, exitFailure, "store verify", "is newer in mysql", "is missing in mongodb")
	s.want(t, exitOK, "store copy --from mysql --to mongodb", "mongodb: ", "mongodb holds the same as mysql.")
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.")
	s.want(t, exitOK, "users show "+userID, "moderator")

	mongo := s.with("DATABASE", "mongodb")
	mongo.want(t, exitOK, "store status", "Mode: mongodb", "5, and 0 deleted")
	if err := s.mongo.Collection("users").Indexes().DropOne(t.Context(), "users_email_unique"); err != nil {
		t.Fatal(err)
	}
	mongo.want(t, exitFailure, "store verify", "users_email_unique")
	mongo.want(t, exitOK, "store repair", "The database is whole.")
}

func TestCopyFromOneFileToTwoDatabases(t *testing.T) {
	t.Parallel()
	s := installServers(t)
	file := s.with("DATABASE", "sqlite")
	file.create(t, "root@example.com", "super_admin")
	records := fillFile(t, file, 300)
	got := read[struct {
		From    string
		Targets []copyView
	}](t, file, exitOK, "store copy --from sqlite --to dual")
	if got.From != "sqlite" || len(got.Targets) != 2 {
		t.Fatalf("got %+v", got)
	}
	for i, engine := range []string{"mongodb", "mysql"} {
		c := got.Targets[i]
		if string(c.Database) != engine || c.Written < records || c.Removed != 0 || c.Comparison.Differ != 0 || c.Comparison.Compared[hub.RecordUser] != 301 {
			t.Errorf("%s: %+v, %+v", engine, c, c.Comparison)
		}
	}
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.", "301 users, 300 sessions, 300 mail tokens, ")
	if st := read[statusView](t, s.installation, exitOK, "store status"); st.Replication.Pending != 0 || st.Databases[0].Users != 301 || st.Databases[1].Sessions != 300 {
		t.Errorf("status: %+v", st)
	}
	file.want(t, exitOK, "store copy --from sqlite --to dual", "mongodb: 0 records were written, 0 removed.", "mysql: 0 records were written", "mysql holds the same as sqlite.")

	extra := s.create(t, "extra@example.com", "user")
	file.want(t, exitFailure, "store copy --from sqlite --to mysql", "user "+extra.UserID+": is missing in sqlite\n", "--erase removes what is not", "stop it and run this again")
	s.want(t, exitOK, "users show extra@example.com", "extra@example.com")
	file.want(t, exitOK, "store copy --from sqlite --to dual --erase", "mongodb holds the same", "mysql holds the same")
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.")
	if st := read[statusView](t, s.installation, exitOK, "store status"); st.Replication.Pending != 0 || st.Databases[0].Users != 301 {
		t.Errorf("status at the end: %+v", st)
	}
	s.serves(t)
	// and back into a file, as a backup of everything at once
	other := file.with("SQLITE_PATH", file.dir+"/other.db")
	other.want(t, exitOK, "store copy --from mongodb --to sqlite", "sqlite holds the same as mongodb.")
	other.want(t, exitOK, "store verify", "The database is whole.")
}

// serves has a hub serve from the two databases for a while.
func (s servers) serves(t *testing.T) {
	t.Helper()
	var settings []string
	for name, value := range s.env {
		settings = append(settings, name+"="+value)
	}
	hub := serve(t, s.dir, settings...)
	hub.log.wait(t, "MongoDB decides, and MySQL holds the same")
	for _, a := range registerMany(t, hub, 5) {
		if got := a.status(hub, "/api/v1/auth/me"); got != 200 {
			t.Errorf("GET /auth/me: %d", got)
		}
	}
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.")
	if code := hub.terminate(t); code != exitOK {
		t.Errorf("the hub ends with %d", code)
	}
	s.want(t, exitOK, "store repair --apply", "Both databases hold the same.")
	if st := read[statusView](t, s.installation, exitOK, "store status"); !st.Replication.CaughtUp || st.Databases[1].Users != 306 {
		t.Errorf("status: %+v", st)
	}
}
