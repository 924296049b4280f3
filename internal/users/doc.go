// Package users holds the use cases of managing accounts: list, create, view, change, delete and restore users, change
// their role, suspend them, end their sessions, count them, and forget those whose time is over. One file holds one
// use case.
//
// Who may do what to whom is decided by [hub.Role.May]; this package asks it about the actor in the context and the
// account as stored. The command line acts as [AsSystem]. Signing in is package auth.
package users
