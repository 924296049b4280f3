// Package otlptest is a collector for tests: a server that takes spans by OTLP over HTTP, as any other does, and keeps them to be
// looked at.
package otlptest
