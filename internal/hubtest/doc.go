// Package hubtest runs the whole hub inside a test: the real server on a loopback port, a clock that the test steps, and
// mails caught at the sender. Its data are in SQLite in the test's folder, or where A64_TEST_DATABASE says. Tests talk to it
// as clients do, over HTTP.
package hubtest
