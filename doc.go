// Package hub is the domain of the A64 Core Platform API Hub, a sign-in and user platform: what a user, a session,
// a mail and an event are, what a role may do to whom, and what a store promises.
//
// The package imports the standard library only, and everything else may import it. Around it stand, from the outside in:
//
//	cmd/a64core          the program: commands and flags
//	internal/app         wiring: configuration in, running hub out
//	internal/api         HTTP operations, their wire types and OpenAPI; internal/middleware what stands before all of them
//	internal/auth, users the use cases
//	internal/store/...   where it is kept
//
// # How state changes
//
// Everything that changes is one versioned document: [User], [Session], [Lockout] or [Mail]. A use case reads a
// document, lets one of its methods compute the next state, and asks the store to replace exactly the version it read.
// Whoever loses a race gets [ErrConflict], reads again and decides again. No transaction spans two calls, so that a
// database without transactions can keep the same promises.
//
// What must change at the same moment stands in the same document. Ending all sessions of a user is therefore a change
// of the user (see [User.EndSessions]), and a mail token is spent by the change that it authorises (see
// [User.MailTokens]).
//
// Every change takes the [Event] that describes it, and the store keeps both or neither.
package hub
