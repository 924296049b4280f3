package testdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub/internal/store/testdb"
)

func openMySQL(t *testing.T, config *mysql.Config) *sql.DB {
	t.Helper()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestMySQLKeepsWhatItCommittedWhenKilled(t *testing.T) {
	t.Parallel()
	server := testdb.StartMySQL(t)
	addr := server.Addr()
	config := server.MySQL()
	db := openMySQL(t, config)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("CREATE TABLE kept (n INT PRIMARY KEY)")
	exec("INSERT INTO kept VALUES (1)")
	for i, end := range []func(){server.Kill, server.Stop, server.Kill} {
		end()
		if err := db.PingContext(t.Context()); err == nil {
			t.Fatal("it answers although it has ended")
		}
		server.Start()
		if server.Addr() != addr {
			t.Fatalf("started at %s, was at %s", server.Addr(), addr)
		}
		var rows int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM kept").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows != i+1 {
			t.Fatalf("%d rows after start %d, want %d", rows, i+2, i+1)
		}
		exec("INSERT INTO kept VALUES (?)", i+2)
	}
	var durability int
	if err := db.QueryRowContext(t.Context(), "SELECT @@innodb_flush_log_at_trx_commit").Scan(&durability); err != nil || durability != 1 {
		t.Errorf("innodb_flush_log_at_trx_commit: %d, %v", durability, err)
	}
}

func TestMySQLDatabasesAreApart(t *testing.T) {
	t.Parallel()
	server := testdb.StartMySQL(t)
	first, second := server.MySQL(), server.MySQL()
	if first.DBName == second.DBName {
		t.Fatalf("both are %s", first.DBName)
	}
	if other := testdb.StartMySQL(t); other.Addr() == server.Addr() {
		t.Fatalf("both servers are at %s", other.Addr())
	}
}

func TestFrozenMySQLAnswersNothingUntilThawed(t *testing.T) {
	t.Parallel()
	server := testdb.StartMySQL(t)
	db := openMySQL(t, server.MySQL())
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Freeze()
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var one int
	if err := db.QueryRowContext(short, "SELECT 1").Scan(&one); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("frozen: %v, want the deadline to pass", err)
	}
	server.Thaw()
	if err := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil {
		t.Errorf("thawed: %v", err)
	}
	server.Freeze()
	server.Stop() // must not wait for a process that cannot hear
	server.Start()
	server.Freeze() // and the end of the test neither
}

func TestMongoDBKeepsWhatItAcknowledgedWhenKilled(t *testing.T) {
	t.Parallel()
	server := testdb.StartMongoDB(t)
	url, database := server.MongoDB()
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	kept := client.Database(database).Collection("kept")
	for i, end := range []func(){server.Kill, server.Stop} {
		if _, err := kept.InsertOne(t.Context(), bson.D{{Key: "_id", Value: i}}); err != nil {
			t.Fatal(err)
		}
		end()
		if conn, err := net.Dial("tcp", server.Addr()); err == nil {
			conn.Close()
			t.Fatal("it accepts although it has ended")
		}
		server.Start()
		n, err := kept.CountDocuments(t.Context(), bson.D{})
		if err != nil {
			n, err = kept.CountDocuments(t.Context(), bson.D{}) // the first may find a connection that is no more
		}
		if err != nil || n != int64(i+1) {
			t.Fatalf("%d documents, %v, want %d", n, err, i+1)
		}
	}
}

func TestRedisForgetsWhenItEndsAndAnswersAgain(t *testing.T) {
	t.Parallel()
	server := testdb.StartRedis(t, "--requirepass", "secret")
	addr := server.Addr()
	for _, end := range []func(){server.Kill, server.Stop} {
		end()
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			t.Fatal("it accepts connections although it has ended")
		}
		server.Start()
		if server.Addr() != addr {
			t.Fatalf("started at %s, was at %s", server.Addr(), addr)
		}
	}
}

func TestSharedServersGiveDatabasesOfTheirOwn(t *testing.T) {
	t.Parallel()
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		config := testdb.MySQL(t)
		var name string
		if err := openMySQL(t, config).QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&name); err != nil || name != config.DBName {
			t.Errorf("connected to %q, %v, want %q", name, err, config.DBName)
		}
	})
	t.Run("mongodb", func(t *testing.T) {
		t.Parallel()
		url, database := testdb.MongoDB(t)
		client, err := mongo.Connect(options.Client().ApplyURI(url))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Disconnect(context.Background())
		names, err := client.Database(database).ListCollectionNames(t.Context(), bson.D{})
		if err != nil || len(names) != 0 {
			t.Errorf("collections %v, %v, want none", names, err)
		}
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		url := testdb.Redis(t)
		var host string
		if _, err := fmt.Sscanf(url, "redis://%s", &host); err != nil {
			t.Errorf("%q is no URL of a Redis server", url)
		}
	})
}
