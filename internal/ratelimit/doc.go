// Package ratelimit says "not so often": how many requests a minute somebody may make ([Limiter]), and how often a password
// may be guessed ([Guard]).
//
// A limit holds for every span of a minute, not only for those that begin with a full one: see window. Windows are kept in
// memory of bounded size; a limiter that instances share implements the same interface and passes the same tests.
//
// Who is limited and by how much is decided by internal/middleware. The rules of lockout are [hub.Lockout]; the guard
// makes them hold among simultaneous attempts by the versions of a [hub.LockoutStore], so that instances share them and
// restarts keep them.
package ratelimit
