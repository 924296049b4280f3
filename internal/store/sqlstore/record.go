package sqlstore

import (
	"fmt"
	"math"
	"strings"

	"github.com/a64core/hub"
)

// recordTable says how the records of one kind are kept, for copying them. Its columns end with the version, where it is
// stored, and the key.
type recordTable struct {
	kind      hub.RecordKind
	table     string
	writeOnly string // columns that are derived, before the others; with a comma at their end
	columns   string
	key       string
	notNewer  string // the condition that the stored version is not newer than the record whose limits are its values
	limits    func(hub.Record) []any
	values    func(hub.Record) ([]any, error)
	scan      func(row, *hub.Record) error
}

const versionUpTo = `version <= ?`

func versionLimit(r hub.Record) []any { return []any{r.Version()} }

// stampUpTo compares the parts of hub.Lockout.Stamp. Times stand alone: of a column within an expression, MySQL compares the
// text with that of the parameter, and the same time has several.
const stampUpTo = `(pending_until < ? OR (pending_until = ? AND version <= ?) OR (pending_until IS NULL AND version <= ?))`

func stampLimit(r hub.Record) []any {
	until, version := hub.SplitLockoutStamp(r.Version())
	whenNone := version // without a time is before all times
	if until.UnixMilli() > 0 {
		whenNone = math.MaxInt64
	}
	return []any{until, until, version, whenNone}
}

// recordTables lists all kinds but tombstones, in an order in which they can be put.
func recordTables() []recordTable {
	return []recordTable{
		{
			kind: hub.RecordUser, table: "users", writeOnly: "last_name_folded, full_name_folded, ", columns: userColumns,
			key: "user_id", notNewer: versionUpTo, limits: versionLimit,
			values: func(r hub.Record) ([]any, error) { return userValues(r.User, r.User.Version) },
			scan: func(from row, r *hub.Record) error {
				r.User = new(hub.User)
				return scanUser(from, r.User)
			},
		},
		{
			kind: hub.RecordSession, table: "refresh_tokens", columns: sessionColumns, key: "session_id",
			notNewer: versionUpTo, limits: versionLimit,
			values: func(r hub.Record) ([]any, error) { return sessionValues(r.Session, r.Session.Version), nil },
			scan: func(from row, r *hub.Record) error {
				r.Session = new(hub.Session)
				return scanSession(from, r.Session)
			},
		},
		{
			kind: hub.RecordMailToken, table: "verification_tokens", columns: mailTokenColumns, key: "token_id",
			notNewer: `CASE WHEN used_at IS NULL THEN 1 ELSE 2 END <= ?`, limits: versionLimit, // as hub.MailToken.Version has it
			values: func(r hub.Record) ([]any, error) { return mailTokenValues(r.MailToken), nil },
			scan: func(from row, r *hub.Record) error {
				r.MailToken = new(hub.MailToken)
				return scanMailToken(from, r.MailToken)
			},
		},
		{
			kind: hub.RecordLockout, table: "lockouts", columns: lockoutColumns, key: "lockout_key",
			notNewer: stampUpTo, limits: stampLimit,
			values: func(r hub.Record) ([]any, error) { return lockoutValues(r.Lockout, r.Lockout.Version), nil },
			scan: func(from row, r *hub.Record) error {
				r.Lockout = new(hub.Lockout)
				return scanLockout(from, r.Lockout)
			},
		},
		{
			kind: hub.RecordMail, table: "mails", columns: mailColumns, key: "mail_id", notNewer: versionUpTo, limits: versionLimit,
			values: func(r hub.Record) ([]any, error) { return mailValues(r.Mail, r.Mail.Version), nil },
			scan: func(from row, r *hub.Record) error {
				r.Mail = new(hub.Mail)
				return scanMail(from, r.Mail)
			},
		},
		{
			kind: hub.RecordEvent, table: "events", columns: eventColumns, key: "event_id", notNewer: `1 <= ?`, limits: versionLimit,
			values: func(r hub.Record) ([]any, error) { return eventValues(r.Event) },
			scan: func(from row, r *hub.Record) error {
				r.Event = new(hub.Event)
				return scanEvent(from, r.Event)
			},
		},
	}
}

// tombstoneTable is read like the others, and put in a way of its own.
func tombstoneTable() recordTable {
	return recordTable{
		kind: hub.RecordTombstone, table: "tombstones", columns: "version, purged_at, user_id", key: "user_id",
		scan: func(from row, r *hub.Record) error {
			r.Tombstone = new(hub.Tombstone)
			return from.Scan(&r.Tombstone.Version, (*instant)(&r.Tombstone.PurgedAt), &r.Tombstone.UserID)
		},
	}
}

// tableOf returns the table of a kind.
func tableOf(kind hub.RecordKind) (recordTable, error) {
	for _, t := range append(recordTables(), tombstoneTable()) {
		if t.kind == kind {
			return t, nil
		}
	}
	return recordTable{}, fmt.Errorf("no such kind of record: %s", kind)
}

// insert returns the statement that adds n rows.
func (t recordTable) insert(n int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", t.width()), ", ") + ")"
	return `INSERT INTO ` + t.table + ` (` + t.writeOnly + t.columns + `) VALUES ` + strings.TrimSuffix(strings.Repeat(row+", ", n), ", ")
}

func (t recordTable) width() int { return strings.Count(t.writeOnly+t.columns, ",") + 1 }

// update returns the statement that replaces a row, under hub.UnlessOlder with the condition notNewer.
func (t recordTable) update(rule hub.PutRule) string {
	names := strings.Split(t.writeOnly+t.columns, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name) + " = ?"
	}
	last := len(names) - 1
	query := `UPDATE ` + t.table + ` SET ` + strings.Join(names[:last], ", ") + ` WHERE ` + names[last]
	if rule != hub.Always {
		query += ` AND ` + t.notNewer
	}
	return query
}

// selectWhere returns the query for all rows that meet the condition.
func (t recordTable) selectWhere(condition string) string {
	return `SELECT ` + t.columns + ` FROM ` + t.table + ` WHERE ` + condition
}
