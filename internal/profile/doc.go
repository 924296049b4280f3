// Package profile turns what a client says about a person into checked values of a [hub.User]. What each single value
// may be stands in package field; this package knows which values there are and reports every mistake at once.
// The use cases in auth and users are its callers.
package profile
