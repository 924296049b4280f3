// Package livecache remembers for a moment whom a session belongs to, so that most requests need no database for
// their authority. It stands around a store: every change that goes through it makes what it remembers of that user
// worthless at once; a change made by another process is seen when the memory has aged out, a second at most.
//
// Only reads that ask for it get the remembered answer, by [Cache.Actor]; the store itself is never shadowed.
package livecache
