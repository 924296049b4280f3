package sqlstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/a64core/hub"
)

// plan returns how SQLite would run a query.
func plan(t *testing.T, s *Store, query string, args []any) []string {
	t.Helper()
	steps, err := s.explain(t.Context(), query, args)
	if err != nil {
		t.Fatal(err)
	}
	return steps
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
							for _, matching := range []int{maxGathered, maxGathered + 1} {
								checkListPlan(t, s, q, matching)
							}
						}
					}
				}
			}
		}
	}
}

func checkListPlan(t *testing.T, s *Store, q hub.UserQuery, matching int) {
	t.Helper()
	list, args, err := s.dialect.userList(q, matching)
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%+v, %d match", q, matching)
	steps := plan(t, s, list, args)
	hasOrder := inOrder(q)
	if slices.ContainsFunc(steps, isFullScan) {
		t.Errorf("%s: reads all users: %q", what, steps)
	}
	// An order that an index has is read from the index: no page costs more than what it shows and what it passes.
	if matching > maxGathered || hasOrder {
		if sorts := func(step string) bool { return strings.Contains(step, "TEMP B-TREE") }; slices.ContainsFunc(steps, sorts) {
			t.Errorf("%s: sorts: %q", what, steps)
		}
	}
	count, countArgs := s.dialect.userCount(q)
	counting := plan(t, s, count, countArgs)
	if slices.ContainsFunc(counting, isFullScan) {
		t.Errorf("%s: counts all users: %q", what, counting)
	}
	byNames := func(steps []string) bool {
		for _, index := range []string{"users_by_email (", "users_by_last_name (", "users_by_full_name ("} {
			if !slices.ContainsFunc(steps, func(step string) bool { return strings.Contains(step, index) && strings.Count(step, "?") > 1 }) {
				return false
			}
		}
		return true
	}
	byState := func(step string) bool { return strings.Contains(step, "INDEX users_by_state") }
	switch {
	case q.Search == "" && !slices.ContainsFunc(counting, byState):
		t.Errorf("%s: does not count by the least index: %q", what, counting)
	case q.Search != "" && (!byNames(counting) || matching <= maxGathered && !byNames(steps)): // who finds little reads little, whatever else is asked for
		t.Errorf("%s: does not search by index: %q, %q", what, steps, counting)
	case q.Search == "" && !hasOrder && matching <= maxGathered && !byState(steps[0]):
		t.Errorf("%s: does not look for those by index: %q", what, steps)
	}
}

// inOrder reports whether some index has the query's order among those that match, whatever their number.
func inOrder(q hub.UserQuery) bool {
	states := 0
	if q.Role != 0 {
		states++
	}
	if q.IsActive != nil {
		states++
	}
	return q.Search == "" && (states == 0 || states == 1 && q.Sort.By == hub.SortByCreatedAt)
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
