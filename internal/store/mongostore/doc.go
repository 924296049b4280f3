// Package mongostore keeps everything in MongoDB, or in a database that speaks its protocol such as FerretDB: it is a
// [hub.Database] with the collections and field names of the original system, whose documents it reads as they are.
//
// It relies on single-document atomicity alone: no transactions, no change streams, no pipeline updates, no collations.
// So a standalone server will do, and one as old as 4.0. Writes are acknowledged by a majority and are in its journals;
// reads go to the primary.
//
// # Why a step is atomic
//
// Each method that changes something is one conditional write to one document. The same write that replaces the state
// and raises the version pushes into the document's outbox whatever else belongs to the step: its event, its mails, the
// session that a login begins, the mail token that it uses up, the deletions that follow a purge. From that moment the
// step is done, whoever dies. What stands in an outbox is then carried out and taken out:
//
//   - Every entry may be carried out any number of times, by several processes at once: insertions have their ids
//     beforehand, so that a second one finds the first; marks and deletions are the same when repeated.
//   - An entry is taken out only after it was carried out, and only that very entry.
//   - Whoever made the change carries its entries out. Sessions, used tokens and purges are done before the method
//     returns. Events and mails go through the flusher, which stores those of many calls together: the outbox already
//     keeps them. Methods that look at events or mails first wait for what this process has handed to the flusher.
//   - If that process dies, the outbox is left behind. The flag outboxSince says since when something stands in it; a
//     sparse index finds it. [Store.Recover] carries out what has stood for ten seconds. It runs when a store is opened,
//     about once a minute, and with each sweep.
//   - A document with an outbox is not swept, and what the server itself deletes by its TTL indexes expired long after its
//     last change. A purge keeps the outbox of the user's document and first carries out those
//     of the documents that it deletes.
//   - Sessions and mails of a user who was purged in the meantime are taken back by whoever inserts them: each looks at
//     the user after the insertion, and the purge deletes after it has changed the user, so one of them sees the other.
//
// The last active super_admin is the one rule about several documents. It is decided under a lease; see guard.go.
//
// A user who was purged leaves a tombstone: the user's document without any personal value. It keeps the purge's event
// until that is stored and, in a database that keeps marks, [hub.TombstoneLife] beyond.
package mongostore
