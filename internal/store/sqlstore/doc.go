// Package sqlstore keeps everything in a SQL database: it is a [hub.Store] on SQLite.
//
// The queries are written in the SQL that SQLite, MySQL and MariaDB share. What differs between them, which is how a
// database is opened, its schema and what its error codes mean, stands in a dialect; [Open] uses the one for SQLite.
//
// # Reading and writing
//
// SQLite has one writer at a time and any number of readers that do not wait for it. So there is one connection that
// writes, owned by one goroutine, and a pool that only reads. Every method that changes something hands the writer one
// unit of statements. The writer commits all units that wait at that moment together, each behind its own savepoint:
// one fsync serves them all, a unit that fails takes nobody with it, and nobody is answered before the commit.
//
// A unit carries plain values, made before it was handed over, so that a caller who gives up shares no memory with it.
//
// Several processes may use one file. Whoever finds it locked waits up to five seconds and then gets
// [hub.ErrUnavailable].
//
// The tables are described in migrations; package storetest describes the behaviour. The store knows no rules of the
// product: those are made by the documents of package hub and the services.
package sqlstore
