package hub

import (
	"context"
	"time"
)

// Store keeps everything. Each method is one atomic step: done whole or not at all, and done durably before it returns
// nil. Methods are safe for concurrent use, also by several processes on one database. What an Event or a Mail argument
// describes is kept in the same step. Times come back in UTC, cut to milliseconds.
//
// Besides the errors named, every method may return ErrUnavailable or the error of its context. Package storetest is
// the definition of a store in the form of tests.
type Store interface {
	UserStore
	SessionStore
	MailTokenStore
	LockoutStore
	MailStore
	EventStore

	// Stats counts what is kept.
	Stats(ctx context.Context, now time.Time) (Stats, error)
	// Sweep forgets up to limit things that time has made worthless, and returns how many: sessions, mail tokens and
	// lockouts that have expired, mails and events older than keep says. Nobody can tell whether it ran: clocks decide.
	Sweep(ctx context.Context, now time.Time, keep Retention, limit int) (int, error)
	// Ping reports whether the store can answer.
	Ping(ctx context.Context) error
	// Close releases what the store holds. No other method may be running or be called afterwards.
	Close() error
}

// UserStore keeps users.
type UserStore interface {
	// AddUser adds a user with Version 1. ErrDuplicateEmail if any user, a deleted one included, has the address.
	AddUser(ctx context.Context, u User, e Event, mails ...Mail) error
	// UserByID returns the user, deleted or not. ErrNotFound.
	UserByID(ctx context.Context, id string) (User, error)
	// UserByEmail returns the user with exactly this canonical address, deleted or not. ErrNotFound.
	UserByEmail(ctx context.Context, email string) (User, error)
	// UpdateUser replaces the user if its stored version is u.Version, and stores u.Version+1. ErrConflict if the
	// version is another or the user is gone, ErrDuplicateEmail, ErrLastSuperAdmin if the stored user is the only one
	// that GuardsSystem and u does not.
	UpdateUser(ctx context.Context, u User, e Event, mails ...Mail) error
	// Users returns the users that match, none of them deleted unless the query asks for deleted ones.
	Users(ctx context.Context, q UserQuery) (UserPage, error)
	// PurgeableUsers returns up to limit users deleted before deletedBefore, and users of the roles guest and user that
	// were added before unverifiedBefore and never verified their address. A zero time asks for none of its sort.
	PurgeableUsers(ctx context.Context, deletedBefore, unverifiedBefore time.Time, limit int) ([]User, error)
	// PurgeUser forgets the user with everything that belongs to them, except events, if the stored version is still
	// the given one. ErrConflict.
	PurgeUser(ctx context.Context, id string, version int64, e Event) error
}

// SessionStore keeps sessions.
type SessionStore interface {
	// AddSession adds a session with Version 1 and sets the user's LastLoginAt to its CreatedAt. ErrConflict unless the
	// user is usable and its SessionEpoch is the session's: whatever ended the user's sessions meanwhile ends this one too.
	AddSession(ctx context.Context, s Session, e Event) error
	// SessionWithUser returns a session and its user, live or not, by one query. ErrNotFound.
	SessionWithUser(ctx context.Context, id string) (Session, User, error)
	// SessionsByUser returns up to limit sessions of the user that were not ended and have not expired, newest first.
	// Those of an earlier epoch are among them.
	SessionsByUser(ctx context.Context, userID string, now time.Time, limit int) ([]Session, error)
	// UpdateSession replaces the session if its stored version is s.Version, and stores s.Version+1. ErrConflict.
	UpdateSession(ctx context.Context, s Session, e Event) error
}

// MailTokenStore keeps mail tokens.
type MailTokenStore interface {
	// AddMailToken adds a token. It is worth nothing until the user's MailTokens name it.
	AddMailToken(ctx context.Context, t MailToken) error
	// MailTokenByID returns a token, used or not. ErrNotFound.
	MailTokenByID(ctx context.Context, id string) (MailToken, error)
	// SpendMailToken marks the token used at the time usedAt and replaces the user as UpdateUser does, with its errors.
	// ErrConflict if the token is used or gone.
	SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u User, e Event, mails ...Mail) error
}

// LockoutStore keeps failed password checks.
type LockoutStore interface {
	// LockoutByKey returns the lockout for the key; one with Version 0 if none is stored.
	LockoutByKey(ctx context.Context, key string) (Lockout, error)
	// PutLockout stores l as version l.Version+1 if the stored version is l.Version (0: none is stored). ErrConflict.
	// A nil event stores none.
	PutLockout(ctx context.Context, l Lockout, e *Event, mails ...Mail) error
}

// MailStore keeps the mail queue.
type MailStore interface {
	// AddMail queues a mail.
	AddMail(ctx context.Context, m Mail, e Event) error
	// DueMails returns up to limit queued mails with DueAt not after now, the longest due first.
	DueMails(ctx context.Context, now time.Time, limit int) ([]Mail, error)
	// UpdateMail replaces the mail if its stored version is m.Version, and stores m.Version+1. ErrConflict.
	UpdateMail(ctx context.Context, m Mail) error
}

// EventStore keeps the audit trail.
type EventStore interface {
	// AddEvent stores an event that describes no change, such as a refusal.
	AddEvent(ctx context.Context, e Event) error
	// Events returns the events that match, newest first.
	Events(ctx context.Context, q EventQuery) ([]Event, error)
}

// UserQuery selects and orders users. The zero value of a field leaves it open.
type UserQuery struct {
	Role     Role
	IsActive *bool
	Deleted  bool   // the deleted users instead of the others
	Search   string // prefix, in any case, of the address, the last name, or first and last name joined by a space

	Sort  UserSort
	Limit int // at least 1

	// Known is about how many match, if the caller knows. Then nobody counts, which means to look at all that match: it becomes
	// the page's Total.
	Known int

	// Offset skips that many users. After, if set, continues behind a user of an earlier page instead, at the same cost
	// however far that is.
	Offset int
	After  *UserCursor
}

// UserSort orders users. Equal users are ordered by id in the same direction, so that every order is total.
type UserSort struct {
	By         UserSortField
	Descending bool
}

// UserSortField is a field by which users may be ordered.
type UserSortField string

// The fields. The zero value orders by CreatedAt.
const (
	SortByCreatedAt UserSortField = "createdAt"
	SortByEmail     UserSortField = "email"
	SortByLastName  UserSortField = "lastName" // folded
)

// UserCursor is a place in an order: behind the user with this sort value and id.
type UserCursor struct {
	Value string // as a store wrote it into UserPage.Next
	ID    string
}

// MaxFound bounds the total of a search: the beginning of a name may be that of half of all users.
const MaxFound = 10_000

// UserPage is one page of users.
type UserPage struct {
	Users []User
	Total int         // of all that match, on whatever page; of a search, up to MaxFound
	Next  *UserCursor // nil on the last page
}

// EventQuery selects events.
type EventQuery struct {
	UserID string // as actor or target; empty: any
	Limit  int    // at least 1
}

// Retention says how long things are kept that serve only as a record. Zero keeps them forever.
type Retention struct {
	Mails  time.Duration // sent, dropped and dead mails
	Events time.Duration
}

// Stats counts what is kept.
type Stats struct {
	Users    []UserCount
	Deleted  int // users softly deleted, of every role
	Sessions int // neither ended nor expired
	Mails    map[MailState]int

	Replication *Replication // nil with one database
}

// Replication says how far the second database is behind the first.
type Replication struct {
	Pending int
	Lag     time.Duration
}

// UserCount counts the users of one role that are not deleted.
type UserCount struct {
	Role     Role
	Active   int
	Inactive int
	Verified int
}
