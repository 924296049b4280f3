// Package auth holds the use cases of signing in: register, log in, refresh, log out, verify an e-mail address, reset or
// change a password, change the address, see and end one's sessions, and what a queued mail becomes when it is sent.
// One file holds one use case.
//
// It knows nothing of HTTP or of databases. Who asks and from where comes with the context ([hub.ActorFrom],
// [hub.OriginFrom]); errors that a client may see are [*hub.Error]. Managing other people's accounts is package users.
package auth
