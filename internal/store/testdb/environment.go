package testdb

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"testing"
)

// Database returns what tests of the whole hub keep its data in: what A64_TEST_DATABASE says, else "sqlite".
func Database() string { return cmp.Or(os.Getenv("A64_TEST_DATABASE"), "sqlite") }

// named returns what the environment says about a server. Without it the test is skipped, or fails if it must not be.
func named(t testing.TB, server, variable string) string {
	t.Helper()
	if value := os.Getenv(variable); value != "" {
		return value
	}
	absent(t, server, variable+" is not set")
	return ""
}

// absent skips the test, or fails it if the environment requires what is absent.
func absent(t testing.TB, what, reason string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("A64_TEST_REQUIRE"), ","), what) {
		t.Fatalf("%s is required: %s", what, reason)
	}
	t.Skipf("no %s to test with: %s", what, reason)
}

// Program returns the path of a program that is no database, such as "promtool". Where there is none the test is skipped, or
// fails if A64_TEST_REQUIRE names it.
func Program(t testing.TB, name string) string {
	t.Helper()
	program := findProgram("", name)
	if program == "" {
		absent(t, name, "it is not installed")
	}
	return program
}
