// Package middleware is what every request passes before it reaches an operation: who asks and from where, how often they
// may, what every answer carries, and the one line that the log keeps of it. Each middleware is a function from handler
// to handler over net/http; [Chain] puts them together in the one order that works.
//
// It knows nothing of operations (package api) and decides nothing about users. Error answers are written by package
// problem, limits are counted by package ratelimit.
package middleware
