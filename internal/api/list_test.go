package api

import (
	"encoding/base64"
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func TestListQueryIsReadStrictly(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	newest := hub.UserSort{By: hub.SortByCreatedAt, Descending: true}
	after := hub.UserCursor{Value: "ada@example.com", ID: hub.NewID()}
	cursor := formatCursor(after, "email")
	tests := []struct {
		name, query string
		want        hub.UserQuery
		wrong       []string // locations
	}{
		{"nothing", "", hub.UserQuery{Sort: newest, Limit: 20}, nil},
		{"INJ-06 unknown ones", "sortBy=passwordHash&fields=passwordHash&filter[x]=1&x=1&x=2", hub.UserQuery{Sort: newest, Limit: 20}, nil},
		{"all", "page=3&perPage=10&role=admin&isActive=true&search=Ada+L&sort=lastName", hub.UserQuery{Role: hub.RoleAdmin, IsActive: &yes, Search: "Ada L", Sort: hub.UserSort{By: hub.SortByLastName}, Limit: 10, Offset: 20}, nil},
		{"inactive", "isActive=false&sort=-email", hub.UserQuery{IsActive: &no, Sort: hub.UserSort{By: hub.SortByEmail, Descending: true}, Limit: 20}, nil},
		{"cursor", "sort=email&cursor=" + cursor, hub.UserQuery{Sort: hub.UserSort{By: hub.SortByEmail}, After: &after, Limit: 20}, nil},
		{"LIF-02 most", "perPage=100", hub.UserQuery{Sort: newest, Limit: 100}, nil},
		{"LIF-02 2^31", "page=2147483648&perPage=100", hub.UserQuery{Sort: newest, Limit: 100, Offset: math.MaxInt32 / 100 * 100}, nil},
		{"LIF-02 2^63-1", "page=9223372036854775807&perPage=1", hub.UserQuery{Sort: newest, Limit: 1, Offset: math.MaxInt32}, nil},
		{"LIF-02 0", "page=0&perPage=0", hub.UserQuery{}, []string{"query.page", "query.perPage"}},
		{"LIF-02 negative", "page=-1&perPage=-1", hub.UserQuery{}, []string{"query.page", "query.perPage"}},
		{"LIF-02 text", "page=abc&perPage=abc", hub.UserQuery{}, []string{"query.page", "query.perPage"}},
		{"LIF-02 fraction", "page=1.5", hub.UserQuery{}, []string{"query.page"}},
		{"LIF-02 exponent", "page=1e9", hub.UserQuery{}, []string{"query.page"}},
		{"LIF-02 signed", "page=%2B1", hub.UserQuery{}, []string{"query.page"}},
		{"LIF-02 empty", "page=&perPage=", hub.UserQuery{}, []string{"query.page", "query.perPage"}},
		{"LIF-02 2^63", "page=9223372036854775808", hub.UserQuery{}, []string{"query.page"}},
		{"LIF-02 too many", "perPage=101", hub.UserQuery{}, []string{"query.perPage"}},
		{"LIF-05 role", "role=root", hub.UserQuery{}, []string{"query.role"}},
		{"role in another case", "role=Admin", hub.UserQuery{}, []string{"query.role"}},
		{"active", "isActive=1", hub.UserQuery{}, []string{"query.isActive"}},
		{"INJ-06 sort", "sort=createdAt;DROP", hub.UserQuery{}, []string{"query"}},
		{"INJ-06 sort, escaped", "sort=createdAt%3BDROP", hub.UserQuery{}, []string{"query.sort"}},
		{"INJ-06 sort by a secret", "sort=passwordHash", hub.UserQuery{}, []string{"query.sort"}},
		{"INJ-06 sort by number", "sort=-1", hub.UserQuery{}, []string{"query.sort"}},
		{"long search", "search=" + strings.Repeat("a", 101), hub.UserQuery{}, []string{"query.search"}},
		{"HTT-15 NUL in search", "search=a%00", hub.UserQuery{}, []string{"query.search"}},
		{"HTT-15 line break in search", "search=a%0d%0a", hub.UserQuery{}, []string{"query.search"}},
		{"search is no text", "search=%ff", hub.UserQuery{}, []string{"query.search"}},
		{"twice", "page=1&page=1&role=user&role=admin", hub.UserQuery{}, []string{"query.page", "query.role"}},
		{"page and cursor", "sort=email&page=1&cursor=" + cursor, hub.UserQuery{}, []string{"query.cursor"}},
		{"cursor of another order", "sort=-email&cursor=" + cursor, hub.UserQuery{}, []string{"query.cursor"}},
		{"INJ-06 forged cursor", "cursor=" + base64.RawURLEncoding.EncodeToString([]byte(`{"sort":"-createdAt","value":"1","id":"1 OR 1=1"}`)), hub.UserQuery{}, []string{"query.cursor"}},
		{"cursor is none", "cursor=%7B%7D", hub.UserQuery{}, []string{"query.cursor"}},
		{"empty cursor", "cursor=", hub.UserQuery{}, []string{"query.cursor"}},
		{"HTT-15 bad escape", "search=%zz", hub.UserQuery{}, []string{"query"}},
	}
	for _, tt := range tests {
		var in listInput
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.URL.RawQuery = tt.query
		err := decodeQuery(r, &in)
		if diff := cmp.Diff(tt.wrong, wrongFields(err)); diff != "" {
			t.Errorf("%s: wrong (-want +got):\n%s", tt.name, diff)
		} else if diff := cmp.Diff(tt.want, in.query); err == nil && diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

// wrongFields returns the locations an error names, or "query" for a query that cannot be read.
func wrongFields(err error) []string {
	if hub.IsCode(err, hub.CodeMalformedRequest) {
		return []string{"query"}
	}
	var e *hub.Error
	if !errors.As(err, &e) {
		return nil
	}
	var locations []string
	for _, f := range e.Fields {
		locations = append(locations, f.Location)
	}
	return locations
}

func TestLinksKeepTheFiltersAndLeadNowhereElse(t *testing.T) {
	t.Parallel()
	type links struct{ First, Last, Prev, Next string }
	const u = "/api/v1/users?"
	cursor := "sort=email&cursor=" + formatCursor(hub.UserCursor{Value: "a", ID: hub.NewID()}, "email")
	tests := []struct {
		name, query string
		total       int
		next        string // cursor
		want        links
	}{
		{"empty", "", 0, "", links{First: u + "page=1&perPage=20"}},
		{"one page", "", 20, "", links{First: u + "page=1&perPage=20", Last: u + "page=1&perPage=20"}},
		{"middle", "page=2&perPage=5&role=user&x=y", 11, "C", links{u + "page=1&perPage=5&role=user", u + "page=3&perPage=5&role=user", u + "page=1&perPage=5&role=user", u + "page=3&perPage=5&role=user"}},
		{"beyond", "page=9&perPage=5", 11, "", links{u + "page=1&perPage=5", u + "page=3&perPage=5", u + "page=3&perPage=5", ""}},
		{"text is escaped", "search=%26page%3D7%22+%3C", 1, "", links{First: u + "page=1&perPage=20&search=%26page%3D7%22+%3C", Last: u + "page=1&perPage=20&search=%26page%3D7%22+%3C"}},
		{"by cursor", cursor, 50, "C", links{u + "page=1&perPage=20&sort=email", u + "page=3&perPage=20&sort=email", "", u + "cursor=C&perPage=20&sort=email"}},
		{"by cursor, at the end", cursor, 50, "", links{u + "page=1&perPage=20&sort=email", u + "page=3&perPage=20&sort=email", "", ""}},
	}
	for _, tt := range tests {
		var in listInput
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.URL.RawQuery = tt.query
		if err := decodeQuery(r, &in); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		perPage := in.query.Limit
		l := in.links(PageMeta{PerPage: perPage, TotalPages: (tt.total + perPage - 1) / perPage, NextCursor: orNull(&tt.next)})
		got := links{orEmpty(l.First), orEmpty(l.Last), orEmpty(l.Prev), orEmpty(l.Next)}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.name, diff)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(formatCursor(hub.UserCursor{Value: "a", ID: hub.NewID()}, "email"), "email")
	f.Add("e30", "-createdAt")
	f.Fuzz(func(t *testing.T, text, sort string) {
		at, ok := parseCursor(text, sort)
		if !ok {
			return
		}
		again, ok := parseCursor(formatCursor(*at, sort), sort)
		if !ok || *again != *at || !hub.IsID(at.ID) {
			t.Errorf("%q is a cursor that does not come back", text)
		}
	})
}
