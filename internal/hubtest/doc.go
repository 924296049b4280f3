// Package hubtest runs the whole hub inside a test: the real server on a loopback port, SQLite in the test's folder, a
// clock that the test steps, and mails caught at the sender. Tests talk to it as clients do, over HTTP.
package hubtest
