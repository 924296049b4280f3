package testdb

import (
	"strings"
	"testing"

	"github.com/a64core/hub"
)

// MongoDB returns the URL of a MongoDB server and the name of a database on it that no other test uses. Whoever opens the
// database drops it.
func MongoDB(t testing.TB) (url, database string) {
	t.Helper()
	return MongoDBServer(t), uniqueName()
}

// MongoDBServer returns the URL of the server that the environment names.
func MongoDBServer(t testing.TB) string {
	t.Helper()
	return named(t, "mongodb", "A64_TEST_MONGODB_URL")
}

func uniqueName() string { return "a64test_" + strings.ReplaceAll(hub.NewID(), "-", "") }
