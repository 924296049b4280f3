package sqlstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// plan returns how SQLite would run a query.
func plan(t *testing.T, s *Store, query string, args []any) []string {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	steps, err := collect(rows, func(r row, step *string) error {
		var id, parent, unused int
		return r.Scan(&id, &parent, &unused, step)
	})
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func isFullScan(step string) bool {
	tables := []string{"users", "u", "refresh_tokens", "s", "verification_tokens", "lockouts", "mails", "events"}
	name, isScan := strings.CutPrefix(step, "SCAN ")
	return isScan && slices.Contains(tables, name) // a scan of an index says which it uses
}

func TestListsAreReadByIndex(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
	yes := true
	for _, by := range []hub.UserSortField{hub.SortByCreatedAt, hub.SortByEmail, hub.SortByLastName} {
		for _, role := range []hub.Role{0, hub.RoleAdmin} {
			for _, active := range []*bool{nil, &yes} {
				for _, search := range []string{"", "ada", "\U0010FFFF"} {
					for _, after := range []*hub.UserCursor{nil, {Value: "5", ID: "x"}} {
						for bits := range 4 {
							q := hub.UserQuery{
								Role: role, IsActive: active, Deleted: bits&1 > 0, Search: search, After: after, Limit: 20,
								Sort: hub.UserSort{By: by, Descending: bits&2 > 0},
							}
							checkListPlan(t, s, q)
						}
					}
				}
			}
		}
	}
}

func checkListPlan(t *testing.T, s *Store, q hub.UserQuery) {
	t.Helper()
	list, args, err := s.dialect.userList(q)
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%+v", q)
	steps := plan(t, s, list, args)
	if slices.ContainsFunc(steps, isFullScan) {
		t.Errorf("%s: reads all users: %q", what, steps)
	}
	// An order that an index has is read from the index: no page costs more than what it shows.
	if q.Search == "" && (q.Role == 0 || q.Sort.By == hub.SortByCreatedAt) {
		if sorts := func(step string) bool { return strings.Contains(step, "TEMP B-TREE") }; slices.ContainsFunc(steps, sorts) {
			t.Errorf("%s: sorts: %q", what, steps)
		}
	}
	count, countArgs := s.dialect.userCount(q)
	counting := plan(t, s, count, countArgs)
	if slices.ContainsFunc(counting, isFullScan) {
		t.Errorf("%s: counts all users: %q", what, counting)
	}
	// A search that finds little reads little, whatever else is asked for.
	if q.Search != "" && (!slices.Contains(steps, "MULTI-INDEX OR") || !slices.Contains(counting, "MULTI-INDEX OR")) {
		t.Errorf("%s: does not search by index: %q, %q", what, steps, counting)
	}
}

func TestEverythingElseIsReadByIndex(t *testing.T) {
	t.Parallel()
	s := openTemp(t)
	now := time.Now()
	queries := map[string][]any{
		selectUser + ` WHERE user_id = ?`: {"x"}, selectUser + ` WHERE email = ?`: {"x"}, selectGuards: nil,
		selectSessionWithUser: {"x"}, selectSessions: {"x", now, now, 1}, selectLockout: {"x"}, selectDueMails: {now, 1},
		selectEvents: {1}, selectEventsOf: {"x", 1, "x", 1, 1},
		updateLogin: {now, "x", 1}, `DELETE FROM users WHERE user_id = ? AND version = ?`: {"x", 1},
		deleteUserMails: {"x"}, deleteAddressMails: {"x"}, selectPurgeableDeleted: {now, 1}, selectPurgeableUnverified: {now, 1},
		countUsers: nil, countDeleted: nil, countSessions: {now, now}, countMails: nil,
	}
	for _, d := range s.dialect.deletions(now, hub.Retention{Mails: time.Hour, Events: time.Hour}) {
		queries[d.query] = append(d.args, 1)
	}
	for query, args := range queries {
		if steps := plan(t, s, query, args); slices.ContainsFunc(steps, isFullScan) {
			t.Errorf("%s\nreads a whole table: %q", query, steps)
		}
	}
}

func FuzzCursorValue(f *testing.F) {
	for _, seed := range []string{"", "0", "-1", "1767323045678", "1e9", "9223372036854775807", "x", "\xff"} {
		f.Add(seed, "id")
	}
	s, err := Open(f.Context(), Config{Path: f.TempDir() + "/hub.db", Migrate: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, value, id string) {
		for _, by := range []hub.UserSortField{hub.SortByCreatedAt, hub.SortByEmail, hub.SortByLastName} {
			q := hub.UserQuery{Limit: 1, Sort: hub.UserSort{By: by}, After: &hub.UserCursor{Value: value, ID: id}}
			if _, err := s.Users(t.Context(), q); err != nil && !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("cursor %q, %q: %v", value, id, err)
			}
		}
	})
}
