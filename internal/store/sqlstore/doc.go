// Package sqlstore keeps everything in a SQL database: it is a [hub.Store] on SQLite, MySQL and MariaDB.
//
// The queries are written in the SQL that the three share. What differs between them, which is how a database is opened,
// its schema and what its error codes mean, stands in a dialect: one for SQLite, one for MySQL and MariaDB.
//
// # Reading and writing on SQLite
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
// # Reading and writing on a server
//
// There is one pool. Units are done in transactions under READ COMMITTED: what a unit relies on stands in the conditions of its
// statements, or is locked by them. While few transactions are open, each unit has one of its own; those that would be
// one too many share the next, and its commit. A unit is run again, within the four seconds that every call has, if the
// server chose it to end a deadlock, its connection died before the commit, or another in its transaction failed. A
// commit that was not answered may have happened: that is [hub.ErrUnavailable], and versions tell a caller who tries again.
//
// Statements that change something carry their values in their text, since their connection is another each time;
// queries are prepared on every connection. Texts are compared code point by code point, and time zone, strictness and
// language are set on every connection, whatever the server's defaults are.
//
// The tables are described in migrations; package storetest describes the behaviour. The store knows no rules of the
// product: those are made by the documents of package hub and the services.
package sqlstore
