package api_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/hubtest"
)

// crowd fills a hub with accounts of every role and state, many of them equal in what lists are ordered by, and returns
// those that are not deleted, with somebody who may list them.
func crowd(t *testing.T, h *hubtest.Hub) (root hubtest.Person, users []hub.User) {
	t.Helper()
	root = h.SignUp(t, hub.RoleSuperAdmin)
	users = append(users, h.Stored(t, root.ID))
	first := []string{"Ada", "ADA", "ada", "Élodie", "Zoë", "a%", "a_b", `a\b`, "O'Neill"}
	last := []string{"Lovelace", "lovelace", "LOVELACE", "Müller", "MÜLLER", "İnci", "%", "_x", "*", emoji, "van der Berg"}
	for i := range 60 {
		if i%7 == 0 {
			h.Clock.Step(time.Second)
		}
		id := h.Register(t, fmt.Sprintf("%c%d@example.com", "abcABC%_"[i%6], i))
		u := h.Edit(t, id, func(u *hub.User) {
			u.FirstName, u.LastName = first[i%len(first)], last[i%len(last)]
			u.Role = hub.Roles()[i%5]
			u.IsActive = i%4 != 0
			if i%10 == 9 {
				u.DeletedAt = h.Clock.Now()
			}
		})
		if !u.IsDeleted() {
			users = append(users, u)
		}
	}
	return root, users
}

// expected returns the ids that a list must show, in its order.
func expected(users []hub.User, q url.Values) []string {
	key := func(u hub.User) string { return u.CreatedAt.Format("20060102150405.000") }
	by, descending := strings.CutPrefix(cmp.Or(q.Get("sort"), "-createdAt"), "-")
	switch by {
	case "email":
		key = func(u hub.User) string { return u.Email }
	case "lastName":
		key = func(u hub.User) string { return hub.Fold(u.LastName) }
	}
	prefix := hub.Fold(q.Get("search"))
	var found []hub.User
	for _, u := range users {
		names := []string{u.Email, hub.Fold(u.LastName), hub.Fold(u.FirstName + " " + u.LastName)}
		if (q.Get("role") == "" || q.Get("role") == u.Role.String()) &&
			(q.Get("isActive") == "" || q.Get("isActive") == fmt.Sprint(u.IsActive)) &&
			slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
			found = append(found, u)
		}
	}
	slices.SortFunc(found, func(a, b hub.User) int {
		order := cmp.Or(strings.Compare(key(a), key(b)), strings.Compare(a.ID, b.ID))
		if descending {
			return -order
		}
		return order
	})
	ids := []string{}
	for _, u := range found {
		ids = append(ids, u.ID)
	}
	return ids
}

func page(t *testing.T, h *hubtest.Hub, token, link string) api.UserPage {
	t.Helper()
	var p api.UserPage
	h.Do(t, hubtest.Request{Method: http.MethodGet, Path: link, Token: token}).Want(t, http.StatusOK).Into(t, &p)
	return p
}

// ways are the ways from one page to the next.
func ways() map[string]func(start string, p api.UserPage) string {
	orEnd := func(link *string) string {
		if link == nil {
			return ""
		}
		return *link
	}
	return map[string]func(string, api.UserPage) string{
		"by links": func(_ string, p api.UserPage) string { return orEnd(p.Links.Next) },
		"by cursor": func(start string, p api.UserPage) string {
			if p.Meta.NextCursor == nil {
				return ""
			}
			return start + "&cursor=" + url.QueryEscape(*p.Meta.NextCursor)
		},
		"by cursor, then links": func(start string, p api.UserPage) string {
			if p.Meta.Page != nil && p.Meta.NextCursor != nil {
				return start + "&cursor=" + url.QueryEscape(*p.Meta.NextCursor)
			}
			return orEnd(p.Links.Next)
		},
	}
}

func TestR34_EveryListIsWholeAndInOrder(t *testing.T) { // LIF-05, RBA-22
	t.Parallel()
	h := hubtest.Start(t)
	root, users := crowd(t, h)
	var queries []url.Values
	for _, sort := range []string{"", "createdAt", "-createdAt", "email", "-email", "lastName", "-lastName"} {
		queries = append(queries, url.Values{"sort": {sort}, "perPage": {"7"}}, url.Values{"sort": {sort}, "perPage": {"100"}},
			url.Values{"sort": {sort}, "role": {"user"}, "perPage": {"1"}}, url.Values{"sort": {sort}, "isActive": {"false"}, "search": {"a"}, "perPage": {"3"}})
	}
	for _, role := range hub.Roles() {
		queries = append(queries, url.Values{"role": {role.String()}}, url.Values{"role": {role.String()}, "isActive": {"true"}})
	}
	for _, search := range []string{"a", "A", "ada", "ADA L", "ada lovelace", "love", "müll", "MÜLL", "élo", "İ", "i", "%", "_", "*", `a\`, "a%", "a_", emoji, "o'n", "van der", "der", "a1@", "@", "nobody", "' OR '1'='1"} {
		queries = append(queries, url.Values{"search": {search}, "perPage": {"5"}})
	}
	for _, q := range queries {
		if q.Get("sort") == "" {
			q.Del("sort")
		}
		start := "/api/v1/users?" + q.Encode()
		want := expected(users, q)
		for way, next := range ways() {
			got := []string{}
			for link, pages := start, 0; link != ""; pages++ {
				p := page(t, h, root.AccessToken, link)
				if p.Meta.Total != len(want) || pages > len(want)+1 {
					t.Fatalf("%s %s: total %d, want %d; %d pages", start, way, p.Meta.Total, len(want), pages)
				}
				for _, u := range p.Data {
					got = append(got, u.UserID)
				}
				link = next(start, p)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s %s: -want +got\n%s", start, way, diff)
			}
		}
	}
}

func TestR34_LinksLeadToTheirPages(t *testing.T) { // LIF-02, LIF-04
	t.Parallel()
	h := hubtest.Start(t)
	root, users := crowd(t, h)
	const perPage = 10
	pages := (len(users) + perPage - 1) / perPage
	number := func(link *string) string {
		if link == nil {
			return "none"
		}
		u, err := url.Parse(*link)
		if err != nil || u.IsAbs() || u.Host != "" || u.Path != "/api/v1/users" || u.Query().Get("perPage") != "10" || u.Query().Get("sort") != "email" {
			t.Errorf("link %s", *link)
		}
		return u.Query().Get("page")
	}
	for n := 1; n <= pages+2; n++ {
		p := page(t, h, root.AccessToken, fmt.Sprintf("/api/v1/users?sort=email&perPage=%d&page=%d", perPage, n))
		prev, next := "none", "none"
		if n > 1 {
			prev = fmt.Sprint(min(n-1, pages))
		}
		if n < pages {
			next = fmt.Sprint(n + 1)
		}
		want := []string{"1", fmt.Sprint(pages), prev, next}
		if got := []string{number(p.Links.First), number(p.Links.Last), number(p.Links.Prev), number(p.Links.Next)}; !slices.Equal(got, want) {
			t.Errorf("page %d links to %v, want %v", n, got, want)
		}
		if p.Meta.TotalPages != pages || *p.Meta.Page != n || (n > pages && len(p.Data) != 0) || (n < pages) != (p.Meta.NextCursor != nil) {
			t.Errorf("page %d: %+v with %d", n, p.Meta, len(p.Data))
		}
	}
	for _, far := range []string{"2147483648", "1000000000", "9223372036854775807"} {
		if p := page(t, h, root.AccessToken, "/api/v1/users?page="+far); len(p.Data) != 0 || p.Meta.Total != len(users) {
			t.Errorf("page %s: %+v with %d", far, p.Meta, len(p.Data))
		}
	}
	if p := page(t, h, root.AccessToken, "/api/v1/users?search=nobody"); p.Data == nil || p.Links.Last != nil || p.Links.Next != nil || p.Meta.TotalPages != 0 {
		t.Errorf("an empty list: %+v", p)
	}
}

func TestR34_WhoComesMeanwhileDisturbsNoWalk(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	root, users := crowd(t, h)
	for _, sort := range []string{"-createdAt", "createdAt", "email", "-email", "lastName", "-lastName"} {
		seen := map[string]int{}
		start := "/api/v1/users?perPage=9&sort=" + sort
		for link, n := start, 0; link != ""; n++ {
			p := page(t, h, root.AccessToken, link)
			for _, u := range p.Data {
				seen[u.UserID]++
			}
			h.Register(t, fmt.Sprintf("%c-%s-%d@example.com", "az"[n%2], strings.TrimPrefix(sort, "-")+fmt.Sprint(len(sort)), n))
			link = ways()["by cursor"](start, p)
			if n > 50 { // those who come behind the cursor are met, but nobody comes for ever
				break
			}
		}
		for _, u := range users {
			if seen[u.ID] != 1 {
				t.Errorf("sort %s: %s was met %d times", sort, u.Email, seen[u.ID])
			}
		}
	}
}

func TestR15_ListQueriesComeFromAnAllowList(t *testing.T) { // INJ-06, LIF-02, LIF-05
	t.Parallel()
	h := hubtest.Start(t)
	root, _ := crowd(t, h)
	b64 := base64.RawURLEncoding.EncodeToString
	id := hub.NewID()
	for _, query := range []string{
		"sort=passwordHash", "sort=password_hash", "sort=createdAt%3BDROP", "sort=-1", "sort=--email", "sort=", "sort=Email", "sort=email&sort=-email", "sort=email,lastName",
		"page=0", "page=-1", "page=abc", "page=1.5", "page=", "page=%2B1", "page=0x1", "page=9223372036854775808", "page=1&page=2", "page=1e3", "page=%D9%A1",
		"perPage=0", "perPage=-1", "perPage=101", "perPage=abc", "perPage=",
		"role=root", "role=ADMIN", "role=admin%20", "role=", "role=2", "role=user&role=admin", "isActive=1", "isActive=TRUE", "isActive=", "isActive=null",
		"search=" + strings.Repeat("a", 101), "search=a%00b", "search=%ff", "search=a%0d%0ab",
		"cursor=", "cursor=x", "cursor=" + b64([]byte(`{}`)), "cursor=" + b64([]byte(`{"sort":"passwordHash","value":"","id":"`+id+`"}`)),
		"cursor=" + b64([]byte(`{"sort":"-createdAt","value":"' OR '1'='1","id":"`+id+`"}`)), "cursor=" + b64([]byte(`{"sort":"-createdAt","value":{"$gt":""},"id":"`+id+`"}`)),
		"cursor=" + b64([]byte(`{"sort":"email","value":"a","id":"`+id+`"}`)), "cursor=" + b64([]byte(`{"sort":"-createdAt","value":"1","id":"' OR 1=1"}`)),
		"cursor=" + strings.Repeat("a", 4096), "page=1&cursor=" + b64([]byte(`{"sort":"-createdAt","value":"1","id":"`+id+`"}`)),
	} {
		a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/users?" + query, Token: root.AccessToken})
		if a.Status != http.StatusUnprocessableEntity || !strings.HasPrefix(strings.Join(a.Fields(t), ""), "query.") {
			t.Errorf("%.60s: %d %.200s", query, a.Status, a.Body)
		}
	}
	want := page(t, h, root.AccessToken, "/api/v1/users")
	for _, query := range []string{"fields=passwordHash", "filter[passwordHash]=$2b$", "passwordHash=x", "deleted=true", "sortBy=passwordHash", "include=sessions", "role[$ne]=user"} {
		got := page(t, h, root.AccessToken, "/api/v1/users?"+query)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s changes the list: %s", query, diff)
		}
	}
}

func TestR14_ListsShowOnlyDocumentedFields(t *testing.T) { // RBA-22, RBA-23
	t.Parallel()
	h := hubtest.Start(t)
	root, _ := crowd(t, h)
	h.TryLogin(t, "a0@example.com", wrongPassword)
	d := readDocument(t, h)
	for _, o := range d.walk(t, h) {
		if o.ID != "listUsers" && o.ID != "viewUser" && o.ID != "systemStats" {
			continue
		}
		a := h.Do(t, hubtest.Request{Method: o.Method, Path: o.at(root.ID, ""), Token: root.AccessToken}).Want(t, http.StatusOK)
		d.check(t, &o, "read", a)
		for _, secret := range []string{"assword", "hash", "$2", "_id", "deletedAt", "token", "lock", "failures", "version", "epoch"} {
			if strings.Contains(strings.ToLower(string(a.Body)), strings.ToLower(secret)) {
				t.Errorf("%s shows %q", o.ID, secret)
			}
		}
	}
	for _, role := range []hub.Role{hub.RoleGuest, hub.RoleUser, hub.RoleModerator} {
		p := h.SignUp(t, role)
		for _, path := range []string{"/api/v1/users", "/api/v1/users?search=a&perPage=1", "/api/v1/system/stats"} {
			a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: path, Token: p.AccessToken}).Want(t, http.StatusForbidden, "FORBIDDEN")
			if strings.Contains(string(a.Body), "total") {
				t.Errorf("%s is told a total", role)
			}
		}
	}
}
