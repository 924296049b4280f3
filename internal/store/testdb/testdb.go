package testdb

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// server returns what the environment says about a server. Without it the test is skipped, or fails if it must not be.
func server(t testing.TB, name, variable string) string {
	t.Helper()
	if value := os.Getenv(variable); value != "" {
		return value
	}
	if slices.Contains(strings.Split(os.Getenv("A64_TEST_REQUIRE"), ","), name) {
		t.Fatalf("%s is required and %s is not set", name, variable)
	}
	t.Skipf("%s is not set: no %s to test with", variable, name)
	return ""
}
