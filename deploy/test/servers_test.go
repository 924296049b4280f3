package test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// named returns the address of a server that the environment names (CONTRIBUTING.md). Without it the test is skipped, or fails
// if A64_TEST_REQUIRE names the server.
func named(t *testing.T, server, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" && slices.Contains(strings.Split(os.Getenv("A64_TEST_REQUIRE"), ","), server) {
		t.Fatalf("%s is required: %s is not set", server, variable)
	}
	if value == "" {
		t.Skipf("no %s to test with: %s is not set", server, variable)
	}
	return value
}

// servers returns where the databases and Redis of the tests are, as settings, with databases of the test's own.
func servers(t *testing.T) settings {
	t.Helper()
	mongoURL := named(t, "mongodb", "A64_TEST_MONGODB_URL")
	dsn := named(t, "mysql", "A64_TEST_MYSQL_DSN")
	redisURL := named(t, "redis", "A64_TEST_REDIS_URL")
	database := "a64deploy_" + strings.ToLower(rand.Text()[:12])

	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dropMySQL(t, dsn, database) })
	t.Cleanup(func() { dropMongoDB(t, mongoURL, database) })
	return settings{
		"MONGODB_URL": mongoURL, "MONGODB_DB_NAME": database, "MYSQL_HOST": host, "MYSQL_PORT": port, "MYSQL_USER": c.User,
		"MYSQL_PASSWORD": c.Passwd, "MYSQL_DB_NAME": database, "REDIS_URL": redisURL,
	}
}

func dropMySQL(t *testing.T, dsn, database string) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	if _, err := db.Exec("DROP DATABASE IF EXISTS " + database); err != nil {
		t.Error(err)
	}
}

func dropMongoDB(t *testing.T, url, database string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Error(err)
		return
	}
	defer client.Disconnect(ctx)
	if err := client.Database(database).Drop(ctx); err != nil {
		t.Error(err)
	}
}
