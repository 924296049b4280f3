package storetest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func listTests() []test {
	return []test{
		{"UsersAreListedAsAsked", usersAreListed},
		{"PagesFollowEachOther", pagesFollow},
		{"ACursorKeepsItsPlace", cursorKeepsPlace},
		{"PagesBeyondTheEndAreEmpty", pagesBeyondEnd},
		{"ForeignCursorsAreNotFound", foreignCursors},
	}
}

// sorts are all orders.
func sorts() []hub.UserSort {
	var all []hub.UserSort
	for _, by := range []hub.UserSortField{"", hub.SortByCreatedAt, hub.SortByEmail, hub.SortByLastName} {
		all = append(all, hub.UserSort{By: by}, hub.UserSort{By: by, Descending: true})
	}
	return all
}

// crowd adds users that differ in all that a query can ask for, with ties in every order.
func crowd(t *testing.T, s hub.Store) []hub.User {
	t.Helper()
	lastNames := []string{"Lovelace", "LOVELACE", "lovelock", "Ångström", "ångström", "Zuse", "%", "Ł"}
	var users []hub.User
	for i := range 48 {
		u := newUser(fmt.Sprintf("u%02d-%d@example.com", i*29%48, i%3), withRole(hub.Roles()[i%5]),
			withName([]string{"Ada", "Éva", "Konrad"}[i%3], lastNames[i%len(lastNames)]), addedAt(start().Add(time.Duration(i%7)*time.Millisecond)))
		u.IsActive = i%4 != 0
		if i%6 == 1 {
			u.DeletedAt = start()
		}
		users = append(users, addUser(t, s, u))
	}
	return users
}

// listed is what a store should answer to q, by the definition of UserQuery.
func listed(users []hub.User, q hub.UserQuery) []hub.User {
	prefix := hub.Fold(q.Search)
	match := slices.DeleteFunc(slices.Clone(users), func(u hub.User) bool {
		return u.IsDeleted() != q.Deleted || (q.Role != 0 && u.Role != q.Role) || (q.IsActive != nil && u.IsActive != *q.IsActive) ||
			(!strings.HasPrefix(hub.Fold(u.Email), prefix) && !strings.HasPrefix(hub.Fold(u.LastName), prefix) &&
				!strings.HasPrefix(hub.Fold(u.FirstName+" "+u.LastName), prefix))
	})
	slices.SortFunc(match, func(a, b hub.User) int {
		var order int
		switch q.Sort.By {
		case hub.SortByEmail:
			order = cmp.Compare(a.Email, b.Email)
		case hub.SortByLastName:
			order = cmp.Compare(hub.Fold(a.LastName), hub.Fold(b.LastName))
		default:
			order = a.CreatedAt.Compare(b.CreatedAt)
		}
		order = cmp.Or(order, cmp.Compare(a.ID, b.ID))
		if q.Sort.Descending {
			return -order
		}
		return order
	})
	return match
}

func usersAreListed(t *testing.T, s hub.Store) {
	users := crowd(t, s)
	yes, no := true, false
	for _, q := range []hub.UserQuery{
		{},
		{Deleted: true},
		{IsActive: &yes},
		{IsActive: &no},
		{Role: hub.RoleAdmin},
		{Role: hub.RoleGuest, IsActive: &yes},
		{Role: hub.RoleUser, Deleted: true},
		{IsActive: &no, Deleted: true},
		{Search: "lovel"},
		{Search: "Ada l", Role: hub.RoleGuest},
		{Search: "ÅNG", IsActive: &yes},
		{Search: "u1", Deleted: true},
		{Search: "u0", Role: hub.RoleModerator, IsActive: &yes},
		{Search: "nobody"},
	} {
		for _, q.Sort = range sorts() {
			q.Limit, q.Known = len(users), 0
			page, err := s.Users(t.Context(), q)
			must(t, "list users", err)
			want := listed(users, q)
			what := fmt.Sprintf("role %v, active %v, deleted %v, search %q, sort %v", q.Role, q.IsActive, q.Deleted, q.Search, q.Sort)
			wantSame(t, what, page, hub.UserPage{Users: want, Total: len(want)})
			if !q.Sort.Descending {
				continue
			}
			q.Known = 1_000_000
			page, err = s.Users(t.Context(), q)
			must(t, "list users", err)
			wantSame(t, what+", one of many", page, hub.UserPage{Users: want, Total: q.Known})
		}
	}
}

func pagesFollow(t *testing.T, s hub.Store) {
	users := crowd(t, s)
	for _, sort := range sorts() {
		for _, limit := range []int{1, 5, 8, 40, 100} { // 40 users match, so that 1, 5, 8 and 40 end with a full page
			q := hub.UserQuery{Sort: sort, Limit: limit}
			want := ids(listed(users, q))
			var byCursor, byOffset []string
			for len(byCursor) <= len(want) {
				page, err := s.Users(t.Context(), q)
				must(t, "list users", err)
				byCursor = append(byCursor, ids(page.Users)...)
				if page.Total != len(want) {
					t.Errorf("total %d on a later page, want %d", page.Total, len(want))
				}
				if page.Next == nil {
					break
				}
				q.After = page.Next
			}
			wantSame(t, fmt.Sprintf("pages of %d by cursor, sort %v", limit, sort), byCursor, want)
			for len(byOffset) <= len(want) {
				page, err := s.Users(t.Context(), hub.UserQuery{Sort: sort, Limit: limit, Offset: len(byOffset)})
				must(t, "list users", err)
				byOffset = append(byOffset, ids(page.Users)...)
				if (page.Next == nil) != (len(byOffset) == len(want)) {
					t.Errorf("a next page after %d of %d: %v", len(byOffset), len(want), page.Next != nil)
				}
				if page.Next == nil {
					break
				}
			}
			wantSame(t, fmt.Sprintf("pages of %d by offset, sort %v", limit, sort), byOffset, want)
		}
	}
}

// cursorKeepsPlace changes the list between two pages, its cursor's own user included.
func cursorKeepsPlace(t *testing.T, s hub.Store) {
	ctx := t.Context()
	users := crowd(t, s)
	for _, sort := range sorts() {
		first, err := s.Users(ctx, hub.UserQuery{Sort: sort, Limit: 10})
		must(t, "list users", err)
		last := storedUser(t, s, first.Users[9].ID)
		must(t, "purge the cursor's user", s.PurgeUser(ctx, last.ID, last.Version, newEvent(last.ID)))

		second, err := s.Users(ctx, hub.UserQuery{Sort: sort, Limit: 100, After: first.Next, Offset: 3})
		must(t, "list users", err)
		wantSame(t, fmt.Sprintf("what follows, sort %v", sort), ids(second.Users), ids(listed(users, hub.UserQuery{Sort: sort})[10:]))
		users = slices.DeleteFunc(users, func(u hub.User) bool { return u.ID == last.ID })
	}
}

func pagesBeyondEnd(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	for _, offset := range []int{1, 2, math.MaxInt32} {
		page, err := s.Users(t.Context(), hub.UserQuery{Limit: 10, Offset: offset})
		must(t, "list users", err)
		wantSame(t, "page beyond the end", page, hub.UserPage{Total: 1})
	}
	page, err := s.Users(t.Context(), hub.UserQuery{Limit: math.MaxInt})
	must(t, "list users", err)
	wantSame(t, "page without end", page, hub.UserPage{Users: []hub.User{u}, Total: 1})
}

func foreignCursors(t *testing.T, s hub.Store) {
	crowd(t, s)
	for _, sort := range sorts() {
		values := []string{"\xff"}
		if sort.By == hub.SortByCreatedAt || sort.By == "" {
			values = append(values, "", "x", "1e9", "' OR 1=1", "99999999999999999999", "-9223372036854775808", "9223372036854775807")
		}
		for _, value := range values {
			_, err := s.Users(t.Context(), hub.UserQuery{Sort: sort, Limit: 1, After: &hub.UserCursor{Value: value, ID: hub.NewID()}})
			wantError(t, fmt.Sprintf("cursor %q, sort %v", value, sort), err, hub.ErrNotFound)
		}
		for _, value := range []string{"", "' OR 1=1", "x", "\U0010FFFF"} {
			if _, err := s.Users(t.Context(), hub.UserQuery{Sort: sort, Limit: 1, After: &hub.UserCursor{Value: value, ID: "'"}}); err != nil {
				wantError(t, fmt.Sprintf("cursor %q, sort %v", value, sort), err, hub.ErrNotFound)
			}
		}
	}
}
