package main

import (
	"context"
	"database/sql"
	"maps"
	"net"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub/internal/store/testdb"
)

// servers is an installation on databases of its own in MongoDB and MySQL, and the latter's tables.
type servers struct {
	installation
	mysql *sql.DB
	mongo *mongo.Database
}

// installServers prepares one in the mode dual. Building the indexes takes seconds: share where it makes sense.
func installServers(t *testing.T) servers {
	t.Helper()
	i := install(t)
	url, name := testdb.MongoDB(t)
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := client.Database(name).Drop(ctx); err != nil {
			t.Error(err)
		}
		_ = client.Disconnect(ctx)
	})
	c := testdb.MySQL(t)
	db, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(i.env, map[string]string{
		"DATABASE": "dual", "MONGODB_URL": url, "MONGODB_DB_NAME": name, "MYSQL_HOST": host, "MYSQL_PORT": port,
		"MYSQL_USER": c.User, "MYSQL_PASSWORD": c.Passwd, "MYSQL_DB_NAME": c.DBName,
	})
	return servers{i, db, client.Database(name)}
}

// with returns the same installation with other settings, in pairs of name and value.
func (i installation) with(settings ...string) installation {
	i.env = maps.Clone(i.env)
	for n := 0; n < len(settings); n += 2 {
		i.env[settings[n]] = settings[n+1]
	}
	return i
}

// byHand changes MySQL past the program.
func (s servers) byHand(t *testing.T, statement string, args ...any) {
	t.Helper()
	result, err := s.mysql.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: changes nothing, %v", statement, err)
	}
}
