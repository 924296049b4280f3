// Package telemetry owns what the running program tells about itself: its log, and the facts of a request that its one
// log line is made of.
//
// A log line is one line whatever it holds, shows no [hub.Secret], and never makes a request wait: see [NewLogger]. The
// package does not decide what is logged; whoever handles an event does. Lines of a request are written by
// internal/middleware, the audit trail by internal/events.
package telemetry
