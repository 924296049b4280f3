package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/a64core/hub"
)

func searchTests() []test {
	return []test{
		{"SearchFindsPrefixes", searchFindsPrefixes},
		{"SearchSeesEveryChange", searchSeesChanges},
	}
}

func searchFindsPrefixes(t *testing.T, s hub.Store) {
	for _, u := range []struct{ email, first, last string }{
		{"ada@example.com", "Ada", "Lovelace"},
		{"percent@example.com", "100%", "50%off"},
		{"under_score@example.com", "a_b", "_x"},
		{"back@example.com", `b\c`, `\`},
		{"eva@example.com", "Éva", "Ångström"},
		{"last@example.com", "Z", "\U0010FFFF\U0010FFFFa"},
		{"edge@example.com", "Z", "\uD7FFz"},
		{"behind@example.com", "Z", "\uE000"},
		{"istanbul@example.com", "İnci", "STRASSE"},
	} {
		addUser(t, s, newUser(u.email, withName(u.first, u.last)))
	}
	for _, tt := range []struct {
		search string
		want   []string // addresses
	}{
		{"ada@", []string{"ada@example.com"}},
		{"ADA@EXAMPLE.COM", []string{"ada@example.com"}},
		{"Ada", []string{"ada@example.com"}},
		{"ada l", []string{"ada@example.com"}},
		{"ADA LOVELACE", []string{"ada@example.com"}},
		{"love", []string{"ada@example.com"}},
		{"lovelace ada", nil},
		{"ada lovelace x", nil},
		{"ovelace", nil},
		{"%", nil},
		{"100%", []string{"percent@example.com"}},
		{"50%", []string{"percent@example.com"}},
		{"50%of", []string{"percent@example.com"}},
		{"5_%", nil},
		{"_", []string{"under_score@example.com"}},
		{"under_", []string{"under_score@example.com"}},
		{"a_", []string{"under_score@example.com"}},
		{`\`, []string{"back@example.com"}},
		{`b\`, []string{"back@example.com"}},
		{"é", []string{"eva@example.com"}},
		{"ÉVA Å", []string{"eva@example.com"}},
		{"e\u0301va", nil}, // another spelling: bytes are compared
		{"\U0010FFFF", []string{"last@example.com"}},
		{"\U0010FFFF\U0010FFFF", []string{"last@example.com"}},
		{"\U0010FFFF\U0010FFFFA", []string{"last@example.com"}},
		{"\uD7FF", []string{"edge@example.com"}},
		{"\uE000", []string{"behind@example.com"}},
		{"İNC", []string{"istanbul@example.com"}},
		{"strasse", []string{"istanbul@example.com"}},
		{"straße", nil},
		{"'", nil},
		{"\xff", nil},
		{"z ", []string{"behind@example.com", "edge@example.com", "last@example.com"}},
	} {
		page, err := s.Users(t.Context(), hub.UserQuery{Search: tt.search, Sort: hub.UserSort{By: hub.SortByEmail}, Limit: 100})
		must(t, "search", err)
		var got []string
		for _, u := range page.Users {
			got = append(got, u.Email)
		}
		if !slices.Equal(got, tt.want) || page.Total != len(tt.want) {
			t.Errorf("search %q finds %q of %d, want %q", tt.search, got, page.Total, tt.want)
		}
	}
}

func searchSeesChanges(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com", withName("Ada", "Byron")))
	u.FirstName, u.LastName = "Augusta", "LOVELACE"
	must(t, "update user", s.UpdateUser(t.Context(), u, newEvent(u.ID)))
	for search, want := range map[string]int{"byron": 0, "ada": 0, "love": 1, "augusta lovelace": 1} {
		page, err := s.Users(t.Context(), hub.UserQuery{Search: search, Limit: 1})
		must(t, "search", err)
		if page.Total != want {
			t.Errorf("%s finds %d, want %d", fmt.Sprintf("%q", search), page.Total, want)
		}
	}
}
