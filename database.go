package hub

import (
	"context"
	"time"
)

// Database is a store on one database, with what it takes to copy its content to another and to look after it. Two of
// them make a replicated store (internal/store/replica), whatever their engines are.
//
// What is copied is state, never operations: a [Record] is put unless something newer is there, so that copies may be
// late, doubled or out of order. What still has to be copied is known by marks. A database that was opened to keep marks
// sets one in the same step as each change, with the version that the change led to; whoever has copied that version
// removes it. A change that nobody copied therefore stays marked, whatever dies when.
type Database interface {
	Store

	// Marks lists up to limit marks set before the given time, the oldest first. The times are those of whoever made the
	// change: they order the work and tell the lag, and nothing depends on them.
	Marks(ctx context.Context, before time.Time, limit int) ([]Mark, error)
	// Unmark removes each mark that still stands for the version it names. A later change keeps its mark.
	Unmark(ctx context.Context, marks ...Mark) error
	// Backlog counts the marks.
	Backlog(ctx context.Context) (Backlog, error)

	// Lookup returns what is stored under the keys, in any order; what is not stored is left out.
	Lookup(ctx context.Context, keys ...RecordKey) ([]Record, error)
	// Scan returns the records of one kind in the order of their ids, byte by byte.
	Scan(ctx context.Context, q ScanQuery) ([]Record, error)
	// Snapshot returns a view of the database for whoever reads all of it. Changes go on meanwhile. What was acknowledged before
	// the call is in it, events and mails included.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Count returns about how many records of a kind there are, for showing progress.
	Count(ctx context.Context, kind RecordKind) (int, error)

	// Put stores records as they are, version included, and marks nothing. Under UnlessOlder a record stays out if a later
	// version is stored under its key or its user was purged; that is no error. Users of one call may trade e-mail addresses.
	// ErrDuplicateEmail if another user has the address, ErrOrphan if a session's or mail token's user is not stored. A
	// failed call may have stored some of the records, in no particular order, and each of them whole; a user may be left
	// without an address until it is put again.
	Put(ctx context.Context, rule PutRule, records ...Record) error
	// Erase removes what is stored under the keys, and with a user what belongs to it, and leaves neither mark nor tombstone.
	// It is for rows that should never have been there.
	Erase(ctx context.Context, keys ...RecordKey) error

	// SetUnfinished notes in the database that it is being filled, and for now holds a part, or that it is whole.
	SetUnfinished(ctx context.Context, unfinished bool) error
	// Unfinished reports what was noted last.
	Unfinished(ctx context.Context) (bool, error)

	// About describes the database.
	About(ctx context.Context) (About, error)
	// Pool says how this process uses its connections to the database, without asking the database.
	Pool() Pool
	// Verify looks for damage in this database alone: missing indexes, rows that cannot be read, rules that do not hold. It
	// returns what it found as sentences that hold no secret, and an error if it could not look.
	Verify(ctx context.Context) ([]string, error)
}

// Snapshot is a view of a database. It is for one goroutine, and ends with the context that it was taken with.
type Snapshot interface {
	// Scan is Database.Scan, but looks at the view.
	Scan(ctx context.Context, q ScanQuery) ([]Record, error)
	// AtOneMoment reports whether all scans see the database as it was at one moment. If not, each sees it as it is by then:
	// whoever reads the kinds one after the other must know in which order.
	AtOneMoment() bool
	// Close releases what the view holds.
	Close() error
}

// RecordKind names a sort of records.
type RecordKind string

// The kinds. A tombstone's id is that of the user who was purged.
const (
	RecordUser      RecordKind = "user"
	RecordSession   RecordKind = "session"
	RecordMailToken RecordKind = "mail_token"
	RecordLockout   RecordKind = "lockout"
	RecordMail      RecordKind = "mail"
	RecordEvent     RecordKind = "event"
	RecordTombstone RecordKind = "tombstone"
)

// RecordKinds lists all kinds in an order in which they can be copied: what others refer to comes first.
func RecordKinds() []RecordKind {
	return []RecordKind{RecordTombstone, RecordUser, RecordSession, RecordMailToken, RecordLockout, RecordMail, RecordEvent}
}

// RecordKey names a record.
type RecordKey struct {
	Kind RecordKind
	ID   string
}

// Record is one thing that is kept, whole. Exactly one field is set.
type Record struct {
	User      *User
	Session   *Session
	MailToken *MailToken
	Lockout   *Lockout
	Mail      *Mail
	Event     *Event
	Tombstone *Tombstone
}

// Tombstone stands for a user who was purged, with everything that belonged to them. It outlives every copy of the user
// that may still be under way, so that none of them brings the user back.
type Tombstone struct {
	UserID   string
	Version  int64 // one more than the user's last
	PurgedAt time.Time
}

// TombstoneLife is how long a tombstone is kept at least. A copy that was sent before the purge may reach a database that
// was frozen as long as its connection lives; a week exceeds that by far.
const TombstoneLife = 7 * 24 * time.Hour

// Key returns the record's name.
func (r Record) Key() RecordKey {
	switch {
	case r.User != nil:
		return RecordKey{RecordUser, r.User.ID}
	case r.Session != nil:
		return RecordKey{RecordSession, r.Session.ID}
	case r.MailToken != nil:
		return RecordKey{RecordMailToken, r.MailToken.ID}
	case r.Lockout != nil:
		return RecordKey{RecordLockout, r.Lockout.Key}
	case r.Mail != nil:
		return RecordKey{RecordMail, r.Mail.ID}
	case r.Event != nil:
		return RecordKey{RecordEvent, r.Event.ID}
	case r.Tombstone != nil:
		return RecordKey{RecordTombstone, r.Tombstone.UserID}
	}
	return RecordKey{}
}

// Version returns what orders the states of the record. Events never change, and a mail token only by being used.
func (r Record) Version() int64 {
	switch {
	case r.User != nil:
		return r.User.Version
	case r.Session != nil:
		return r.Session.Version
	case r.MailToken != nil:
		return r.MailToken.Version()
	case r.Lockout != nil:
		return r.Lockout.Stamp()
	case r.Mail != nil:
		return r.Mail.Version
	case r.Tombstone != nil:
		return r.Tombstone.Version
	}
	return 1
}

// Mark returns the mark that stands for this version of the record.
func (r Record) Mark() Mark { return Mark{Key: r.Key(), Version: r.Version()} }

// Mark says that a version of a record is not known to be copied.
type Mark struct {
	Key     RecordKey
	Version int64
	Since   time.Time // of the oldest change that is not known to be copied
}

// Backlog is what is not known to be copied.
type Backlog struct {
	Pending int       // records
	Oldest  time.Time // the oldest mark; zero if there is none
}

// Lag returns how far the copy is behind at the time now.
func (b Backlog) Lag(now time.Time) time.Duration {
	if b.Pending == 0 || b.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(b.Oldest))
}

// PutRule says when Put replaces what is stored.
type PutRule uint8

// The rules. UnlessOlder makes copying converge; Always is for an operator who has decided which side is right.
const (
	UnlessOlder PutRule = iota + 1
	Always
)

// ScanQuery selects records of one kind.
type ScanQuery struct {
	Kind  RecordKind
	After string // ids greater than this
	UpTo  string // ids not greater than this; empty: no end
	Limit int    // at least 1

	// Live, if set, leaves out what a Sweep at that time, with that retention, would forget.
	Live time.Time
	Keep Retention
}

// Pool counts the connections that a process has to one database.
type Pool struct {
	Engine string // as in About
	InUse  int
	Idle   int
	Max    int // how many there may be
}

// About describes a database.
type About struct {
	Engine  string // such as "sqlite", "mysql" or "mongodb"
	Product string // as the server names itself, with its version
	Place   string // file, or host and name; no user and no password
	Schema  int64  // version of the schema
	Bytes   int64  // on disk; 0 if unknown
}
