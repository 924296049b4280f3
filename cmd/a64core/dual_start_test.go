package main

import (
	"context"
	"database/sql"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestFLT22_WhatIsWrongEndsTheStart covers FLT-24 too: a database that cannot be served from ends the start with one line
// that says why.
func TestFLT22_WhatIsWrongEndsTheStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		spoil    func(*databases)
		settings []string
		says     string
	}{
		{"wrong password", nil, []string{"MYSQL_PASSWORD=wrong-one-8"}, "check MYSQL_USER and MYSQL_PASSWORD"},
		{"MySQL's schema is newer", func(d *databases) { d.sql("INSERT INTO a64core_schema (version_id, is_applied) VALUES (999, 1)") }, nil, "(mysql).*version 999.*newer program"},
		{"MySQL's schema is older", func(d *databases) { d.sql("UPDATE a64core_schema SET version_id = 0") }, []string{"MIGRATE=false"}, "(mysql).*version 0.*migrate it first"},
		{"MySQL lacks the index", func(d *databases) { d.sql("ALTER TABLE users DROP INDEX users_email") }, nil, "(mysql).*no unique index on e-mail addresses"},
		{"MongoDB's schema is newer", func(d *databases) { d.setSchema(999) }, nil, "(mongodb).*version 999.*newer program"},
		{"MongoDB's schema is older", func(d *databases) { d.setSchema(0) }, []string{"MIGRATE=false"}, "(mongodb).*migrate it first"},
		{"MongoDB lacks the index", (*databases).dropEmailIndex, nil, "(mongodb).*no unique index users_email_unique"},
		{"two have one address", (*databases).addTwins, nil, "(mongodb).*same e-mail address.*twin1 and twin2"},
		{"MongoDB is away", func(d *databases) { d.toMongo.Refuse() }, nil, "(mongodb).*unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabases(t, testdb.MySQL(t))
			d.drop()
			d.createRoot("root@example.com")
			if tt.spoil != nil {
				tt.spoil(d)
			}
			code, text := d.start(tt.settings...)
			line := strings.TrimSpace(text)
			if code != exitFailure || strings.Count(line, "\n") > 0 || !inOrder(line, strings.Split(tt.says, ".*")) {
				t.Errorf("exit code %d, want %d and one line that says %q:\n%s", code, exitFailure, tt.says, text)
			}
			if strings.Contains(text, "wrong-one-8") {
				t.Error("the line shows the password")
			}
		})
	}
}

// inOrder reports whether the text has the parts, one behind the other.
func inOrder(text string, parts []string) bool {
	for _, part := range parts {
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// TestFLT22_StartsWhileMySQLIsAway starts the hub without MySQL. When that comes up, it is opened and copied to; if it
// refuses the password then, that is logged once, and tried until it is right.
func TestFLT22_StartsWhileMySQLIsAway(t *testing.T) {
	t.Parallel()
	server := testdb.StartMySQL(t)
	d := newDatabases(t, server.MySQL())
	d.drop()
	d.sql("CREATE USER hub@'%' IDENTIFIED BY 'another'")
	d.sql("GRANT ALL ON " + d.mysql.DBName + ".* TO hub@'%'")
	d.mysql.User, d.mysql.Passwd = "hub", "expected"
	d.toMySQL.Refuse()
	s := serve(t, t.TempDir(), d.settings()...)
	ada := s.register(t, "ada@example.com")
	wantReady(t, s, "healthy", "degraded")
	d.toMySQL.Restore()
	s.log.wait(t, `level=ERROR.*check MYSQL_USER and MYSQL_PASSWORD`)
	s.want(t, 200, "PATCH", "/api/v1/users/me", ada.access, map[string]string{"firstName": "Augusta"})
	wantReady(t, s, "healthy", "degraded")
	pass(t, 3*time.Second)
	wantLogged(t, s, "check MYSQL_USER and MYSQL_PASSWORD", 1)
	d.mysql.User, d.mysql.Passwd = "root", ""
	d.sql("ALTER USER hub@'%' IDENTIFIED BY 'expected'")
	wantReady(t, s, "healthy", "healthy")
	d.wantEqual()
	wantLogged(t, s, secondaryBack, 1)
}

// start starts the hub, which should not come far, and returns how it ended and what it said.
func (d *databases) start(settings ...string) (code int, text string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	dir := d.t.TempDir()
	cmd := exec.CommandContext(ctx, builtProgram, "serve")
	cmd.Dir, cmd.Env = dir, environment(dir, d.settings(settings...)...)
	out, _ := cmd.CombinedOutput() // the exit code says it
	return cmd.ProcessState.ExitCode(), string(out)
}

// sql executes a statement, around the proxy.
func (d *databases) sql(statement string) {
	d.t.Helper()
	connector, err := mysql.NewConnector(d.mysql)
	if err != nil {
		d.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	if _, err := db.ExecContext(d.t.Context(), statement); err != nil {
		d.t.Fatalf("%s: %v", statement, err)
	}
}

// inMongoDB does something with the database, around the proxy.
func (d *databases) inMongoDB(do func(context.Context, *mongo.Database) error) {
	d.t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(d.mongoURL))
	if err != nil {
		d.t.Fatal("the URL of MongoDB cannot be used")
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(d.t.Context())) }()
	if err := do(d.t.Context(), client.Database(d.name)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *databases) setSchema(version int64) {
	d.inMongoDB(func(ctx context.Context, db *mongo.Database) error {
		_, err := db.Collection("meta").UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: version}}}})
		return err
	})
}

func (d *databases) dropEmailIndex() {
	d.inMongoDB(func(ctx context.Context, db *mongo.Database) error {
		return db.Collection("users").Indexes().DropOne(ctx, "users_email_unique")
	})
}

// addTwins makes a database as the original system could leave it, which swallowed that an index could not be built.
func (d *databases) addTwins() {
	d.dropEmailIndex()
	d.setSchema(0)
	d.inMongoDB(func(ctx context.Context, db *mongo.Database) error {
		_, err := db.Collection("users").InsertMany(ctx, []any{
			bson.D{{Key: "userId", Value: "twin1"}, {Key: "email", Value: "twin@example.com"}},
			bson.D{{Key: "userId", Value: "twin2"}, {Key: "email", Value: "twin@example.com"}},
		})
		return err
	})
}
