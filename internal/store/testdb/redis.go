package testdb

import "testing"

// Redis returns the URL of a Redis server, redis://host:port. Tests share its databases: each names its keys so that no
// other test meets them.
func Redis(t testing.TB) string {
	t.Helper()
	return named(t, "redis", "A64_TEST_REDIS_URL")
}
