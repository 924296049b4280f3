package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/testdb"
)

// serverForTest returns the configuration of an empty database on a server.
func serverForTest(t testing.TB) Config {
	t.Helper()
	c := testdb.MySQL(t)
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Migrate: true, MySQL: &MySQLConfig{Host: host, Port: number, User: c.User, Password: hub.NewSecret(c.Passwd), Database: c.DBName}}
}

// openServerForTest opens a database of its own on a server.
func openServerForTest(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), serverForTest(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// populate adds n of everything, so that reading by index is worth it, and lets the server count. It takes the time that it
// needs, unlike a unit of the store.
func populate(t *testing.T, s *Store, n int) {
	t.Helper()
	conn, err := s.readers.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	tx := &tx{conn: conn, ctx: t.Context()}
	do := func(statement string) {
		t.Helper()
		if _, err := tx.exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	do("START TRANSACTION")
	for i := range n {
		if err := errors.Join(addWorld(tx, i), tx.addLate()); err != nil {
			t.Fatal(err)
		}
	}
	do("COMMIT")
	do("ANALYZE TABLE users, refresh_tokens, verification_tokens, lockouts, mails, events")
}

// addWorld adds one of everything.
func addWorld(tx *tx, i int) error {
	at := time.Date(2026, 1, 2, 3, 4, 5+i, 0, time.UTC)
	u := anyUser(fmt.Sprintf("%c%d@example.com", 'a'+rune(i%26), i))
	u.FirstName, u.LastName, u.Role = fmt.Sprintf("First %d", i), fmt.Sprintf("Last %d", i), hub.Roles()[min(i%50, 4)]
	u.CreatedAt, u.IsActive, u.IsEmailVerified = at, i%7 > 0, i%9 > 0
	if i%20 == 3 {
		u.DeletedAt = at
	}
	user, err := userValues(&u, 1)
	if err != nil {
		return err
	}
	se := hub.Session{ID: hub.NewID(), UserID: u.ID, Token: hub.RefreshToken{ID: hub.NewID(), IssuedAt: at, ExpiresAt: at}, CreatedAt: at, ExpiresAt: at}
	m, e := hub.NewMail(hub.MailReset, u.ID, u.Email, at), hub.NewEvent(context.Background(), hub.EventUserCreated, u.ID, at)
	m.State = []hub.MailState{hub.MailSent, hub.MailSent, hub.MailSent, hub.MailQueued, hub.MailDropped, hub.MailDead}[i%6]
	rec, err := new(Store).newRecord(&e, []hub.Mail{m})
	if err != nil {
		return err
	}
	for _, insert := range []struct {
		query  string
		values []any
	}{
		{insertUser, user},
		{insertSession, sessionValues(&se, 1)},
		{insertLockout, []any{1, 0, nil, nil, nil, at, 1, hub.LockoutKey(u.Email)}},
		{`INSERT INTO verification_tokens (` + mailTokenColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, []any{u.ID, u.Email, "password_reset", "h", at, at, nil, hub.NewID()}},
	} {
		if _, err := tx.exec(insert.query, insert.values...); err != nil {
			return err
		}
	}
	return rec.keep(tx)
}

// explain returns how the server would run a query, a line for each table.
func explain(t *testing.T, s *Store, query string, args []any) []string {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(), "EXPLAIN FORMAT=TRADITIONAL "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := collect(rows, func(r row, line *string) error {
		values, dest := make([]*string, len(names)), make([]any, len(names))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := r.Scan(dest...); err != nil {
			return err
		}
		fields := make(map[string]string)
		for i, name := range names {
			if values[i] != nil {
				fields[strings.ToLower(name)] = *values[i]
			}
		}
		*line = fmt.Sprintf("table=%s type=%s key=%s rows=%s extra=%s", fields["table"], fields["type"], fields["key"], fields["rows"], fields["extra"])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// readsAll reports whether a line tells of a table that is read whole, and not of an interim result.
func readsAll(line string) bool {
	return strings.Contains(line, " type=ALL ") && !strings.HasPrefix(line, "table=<")
}

func TestMySQLReadsByIndex(t *testing.T) {
	t.Parallel()
	s := openServerForTest(t)
	populate(t, s, 1500)
	at := time.Date(2026, 1, 2, 3, 4, 10, 0, time.UTC)
	queries := map[string][]any{
		selectUser + ` WHERE user_id = ?`: {"x"}, selectUser + ` WHERE email = ?`: {"x"}, selectGuards + s.dialect.lockRows: nil,
		selectSessionWithUser: {"x"}, selectSessions: {"x", at, at, 1}, selectLockout: {"x"}, selectDueMails: {at, 1},
		selectEvents: {1}, selectEventsOf: {"x", 1, "x", 1, 1},
		updateLogin: {at, "x", 1}, `DELETE FROM users WHERE user_id = ? AND version = ?`: {"x", 1},
		selectMarks: {at, 1}, updateMark: {1, "user", "x"}, deleteMark: {"user", "x", 1},
		deleteUserMails: {"x"}, deleteAddressMails: {"x"}, selectPurgeableDeleted: {at, 1}, selectPurgeableUnverified: {at, 1},
		countUsers: nil, countDeleted: nil, countSessions: {at, at}, countMails: nil,
	}
	for _, d := range s.dialect.deletions(at, hub.Retention{Mails: time.Hour, Events: time.Hour}) {
		queries[d.query] = append(d.args, 1)
	}
	for _, kind := range hub.RecordKinds() {
		query, args, _, err := scanning(hub.ScanQuery{Kind: kind, After: "x", Limit: 5, Live: at, Keep: hub.Retention{Mails: time.Hour, Events: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		queries[query] = args
	}
	for query, args := range queries {
		if steps := explain(t, s, query, args); slices.ContainsFunc(steps, readsAll) {
			t.Errorf("%s\nreads a whole table: %q", query, steps)
		}
	}
	yes := true
	middle := map[hub.UserSortField]*hub.UserCursor{
		hub.SortByCreatedAt: {Value: fmt.Sprint(at.Add(10 * time.Minute).UnixMilli()), ID: "x"},
		hub.SortByEmail:     {Value: "m", ID: "x"}, hub.SortByLastName: {Value: "last 7", ID: "x"},
	}
	for _, by := range []hub.UserSortField{hub.SortByCreatedAt, hub.SortByEmail, hub.SortByLastName} {
		for _, q := range []hub.UserQuery{
			{},
			{After: middle[by]},
			{Deleted: true},
			{Role: hub.RoleAdmin},
			{IsActive: &yes},
			{Search: "b1"},
			{Search: "b1", Role: hub.RoleUser},
			{Search: "b1", After: middle[by]},
		} {
			for _, q.Sort = range []hub.UserSort{{By: by}, {By: by, Descending: true}} {
				q.Limit = 20
				for _, matching := range []int{maxGathered, maxGathered + 1} {
					checkServerListPlan(t, s, q, matching)
				}
			}
		}
	}
}

func checkServerListPlan(t *testing.T, s *Store, q hub.UserQuery, matching int) {
	t.Helper()
	list, args, err := s.dialect.userList(q, matching)
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%+v, %d match", q, matching)
	steps := explain(t, s, list, args)
	count, countArgs := s.dialect.userCount(q)
	all := slices.Concat(steps, explain(t, s, count, countArgs))
	if slices.ContainsFunc(all, readsAll) {
		t.Errorf("%s: reads all users: %q", what, all)
	}
	if (inOrder(q) || matching > maxGathered) && strings.Contains(steps[0], "filesort") {
		t.Errorf("%s: sorts: %q", what, steps)
	}
	byEmail := func(line string) bool { return strings.Contains(line, "key=users_by_email ") }
	if q.Search != "" && matching <= maxGathered && !slices.ContainsFunc(steps, byEmail) {
		t.Errorf("%s: does not search by index: %q", what, steps)
	}
}
