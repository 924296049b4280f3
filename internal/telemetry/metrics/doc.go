// Package metrics counts what the hub does, for Prometheus to collect. It owns the names of all metrics and what they
// mean; docs/metrics.md lists them. It is the only package that knows Prometheus' library.
//
// What happens is counted where it happens, by the methods of [Metrics]; what is, such as the length of a queue, is asked of
// [Sources] when somebody collects. Labels have few values whatever clients send: routes are the patterns of our own
// table, and methods that no route has are one value.
package metrics
