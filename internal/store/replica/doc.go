// Package replica makes one [hub.Store] of two databases, whatever their engines: a primary that decides, and a secondary
// that holds the same.
//
// # A change
//
// The primary makes the change and marks it in the same atomic step. Then, in the same request and within a short
// deadline, the secondary is given the state that the change led to, and the mark is removed. Events and mails follow some
// milliseconds later, those of many changes together. If the secondary is slow or away the request succeeds all the same;
// the mark stays, and a worker copies whatever is marked until nothing is. What is copied is always state, never an
// operation, so copies may be late, doubled and out of order.
//
// Three rules make both sides equal in the end, whoever dies when:
//  1. A database puts a record only if nothing newer is there ([hub.UnlessOlder]). A purged user's tombstone is newer than
//     everything of that user.
//  2. A mark is removed only if it still stands for the version that was copied.
//  3. A tombstone outlives every copy that may still be under way ([hub.TombstoneLife]).
//
// # When the primary is away
//
// Reads that need no more than what is stored are answered by the secondary while it is known to have everything; changes
// get [hub.ErrUnavailable] at once. "Known" means: at the last look at the primary nothing had waited longer than a moment,
// and no copy of this process has failed since.
//
// # Neighbours
//
// The two databases are sqlstore and mongostore, or any other [hub.Database]. This package knows no SQL and no BSON. [Comparison]
// tells whether two databases hold the same and can mend what differs; copying one database to another is mending all of it.
package replica
