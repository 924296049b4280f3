package api

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/a64core/hub"
)

// UserPage is one page of a list of users.
type UserPage struct {
	Data  []User    `json:"data" nullable:"false"`
	Meta  PageMeta  `json:"meta"`
	Links PageLinks `json:"links"`
}

// PageMeta says where in the list a page is.
type PageMeta struct {
	Total      int     `json:"total" doc:"Of all that match, on whatever page. Above 1000 it may be a minute old; a search counts up to 10000." example:"42"`
	Page       *int    `json:"page" doc:"Null if the page was asked for by cursor." example:"1"`
	PerPage    int     `json:"perPage" example:"20"`
	TotalPages int     `json:"totalPages" example:"3"`
	NextCursor *string `json:"nextCursor" doc:"Asks for the next page, however far, at the cost of the first. Null on the last page." example:"eyJzb3J0IjoiLWNyZWF0ZWRBdCJ9"`
}

// PageLinks lead to other pages with the same filters, relative to the host. Null where there is none.
type PageLinks struct {
	First *string `json:"first" example:"/api/v1/users?page=1&perPage=20"`
	Last  *string `json:"last" example:"/api/v1/users?page=3&perPage=20"`
	Prev  *string `json:"prev" example:"/api/v1/users?page=1&perPage=20"`
	Next  *string `json:"next" example:"/api/v1/users?page=2&perPage=20"`
}

const (
	defaultPerPage = 20
	maxPerPage     = 100
	maxSearch      = 100 // code points
)

// maxSkip is beyond any list: a page that far is empty, and multiplying up to here overflows nowhere.
const maxSkip = math.MaxInt32

// listInput is what the query asks for.
type listInput struct {
	query   hub.UserQuery
	sort    string
	page    int        // 0: by cursor
	filters url.Values // what the links repeat
}

// readQuery reads the known parameters and ignores others.
func (in *listInput) readQuery(values url.Values) error {
	q := queryReader{values: values}
	in.page = q.number("page", 1, math.MaxInt)
	perPage := q.number("perPage", defaultPerPage, maxPerPage)
	in.sort = q.text("sort", defaultSort, isSort, "must be one of "+strings.Join(sorts(), ", "))
	in.query = hub.UserQuery{Limit: perPage, Sort: parseSort(in.sort), Offset: min(in.page-1, maxSkip/perPage) * perPage}

	role := q.text("role", "", isRole, "must be one of "+strings.Join(roleNames(), ", "))
	in.query.Role, _ = hub.ParseRole(role)
	isBool := func(text string) bool { return text == "true" || text == "false" }
	if active := q.text("isActive", "", isBool, "must be true or false"); active != "" {
		isActive := active == "true"
		in.query.IsActive = &isActive
	}
	in.query.Search = q.text("search", "", isSearch, "must have at most 100 characters and no control characters")
	if values.Has("cursor") {
		in.readCursor(&q)
	}
	in.filters = url.Values{}
	for _, name := range []string{"role", "isActive", "search", "sort"} {
		if values.Get(name) != "" {
			in.filters.Set(name, values.Get(name))
		}
	}
	if len(q.wrong) > 0 {
		return hub.Invalid(q.wrong...)
	}
	return nil
}

func (in *listInput) readCursor(q *queryReader) {
	if q.values.Has("page") {
		q.note("cursor", "cannot be combined with page")
		return
	}
	isCursor := func(text string) bool {
		after, ok := parseCursor(text, in.sort)
		in.query.After = after
		return ok
	}
	q.text("cursor", "", isCursor, "is not a cursor of this list")
	in.page, in.query.Offset = 0, 0
}

func (in *listInput) params() []*huma.Param {
	whole := func(least, most float64) *huma.Schema {
		s := &huma.Schema{Type: huma.TypeInteger, Minimum: &least}
		if most > 0 {
			s.Maximum = &most
		}
		return s
	}
	oneOf := func(names []string) *huma.Schema {
		s := &huma.Schema{Type: huma.TypeString}
		for _, name := range names {
			s.Enum = append(s.Enum, name)
		}
		return s
	}
	longest := maxSearch
	page, perPage, sort := whole(1, 0), whole(1, maxPerPage), oneOf(sorts())
	page.Default, perPage.Default, sort.Default = 1, defaultPerPage, defaultSort
	params := []*huma.Param{
		{Name: "page", Schema: page, Description: "Behind the last page, pages are empty."},
		{Name: "perPage", Schema: perPage, Description: "How many on a page."},
		{Name: "role", Schema: oneOf(roleNames()), Description: "Only this role."},
		{Name: "isActive", Schema: &huma.Schema{Type: huma.TypeBoolean}, Description: "Only active, or only inactive accounts."},
		{Name: "search", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longest}, Description: "Beginning of the address, of the last name, or of first and last name with a space between, in any case."},
		{Name: "sort", Schema: sort, Description: "A minus sign reverses. The order is total, so that no page repeats what another showed."},
		{Name: "cursor", Schema: &huma.Schema{Type: huma.TypeString}, Description: "`meta.nextCursor` of the page before, instead of `page`, with the same `sort`."},
	}
	for _, p := range params {
		p.In = "query"
	}
	return params
}

func (a *API) listUsers(ctx context.Context, in listInput) (UserPage, error) {
	found, err := a.Users.List(ctx, in.query)
	if err != nil {
		return UserPage{}, err
	}
	page := UserPage{Data: make([]User, len(found.Users))}
	viewer := caller(ctx).User.Role
	for i := range found.Users {
		page.Data[i] = newUser(&found.Users[i], viewer)
	}
	perPage := in.query.Limit
	page.Meta = PageMeta{Total: found.Total, PerPage: perPage, TotalPages: (found.Total + perPage - 1) / perPage}
	if found.Next != nil {
		cursor := formatCursor(*found.Next, in.sort)
		page.Meta.NextCursor = &cursor
	}
	if in.page > 0 {
		page.Meta.Page = &in.page
	}
	page.Links = in.links(page.Meta)
	return page, nil
}

func (in *listInput) links(meta PageMeta) (l PageLinks) {
	to := func(name, value string) *string {
		in.filters.Del("page")
		in.filters.Set("perPage", strconv.Itoa(meta.PerPage))
		in.filters.Set(name, value)
		link := usersPath + "?" + in.filters.Encode()
		in.filters.Del(name)
		return &link
	}
	page := func(number int) *string { return to("page", strconv.Itoa(number)) }
	l.First = page(1)
	if meta.TotalPages > 0 {
		l.Last = page(meta.TotalPages)
	}
	switch {
	case in.page == 0 && meta.NextCursor != nil:
		l.Next = to("cursor", *meta.NextCursor)
	case in.page > 0 && meta.NextCursor != nil: // whatever an older total says
		l.Next = page(in.page + 1)
	}
	if before := min(in.page-1, meta.TotalPages); before > 0 {
		l.Prev = page(before)
	}
	return l
}

// decodeQuery reads the query of r into in.
func decodeQuery(r *http.Request, in queryInput) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // its text quotes the query
		return malformed("The query could not be read.")
	}
	return in.readQuery(values)
}

// queryReader reads single parameters and collects what is wrong with them.
type queryReader struct {
	values url.Values
	wrong  []hub.FieldError
}

func (q *queryReader) note(name, message string) {
	q.wrong = append(q.wrong, hub.FieldError{Location: "query." + name, Message: message})
}

// text returns the parameter, or otherwise if it is not given.
func (q *queryReader) text(name, otherwise string, isValid func(string) bool, message string) string {
	switch given := q.values[name]; {
	case len(given) == 0:
		return otherwise
	case len(given) > 1:
		q.note(name, "is given more than once")
	case !isValid(given[0]):
		q.note(name, message)
	default:
		return given[0]
	}
	return otherwise
}

// number returns the whole number from 1 to most, or otherwise if it is not given.
func (q *queryReader) number(name string, otherwise, most int) int {
	message := "must be a whole number of at least 1"
	if most < math.MaxInt {
		message = "must be a whole number from 1 to " + strconv.Itoa(most)
	}
	number := otherwise
	q.text(name, "", func(text string) bool {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most || text[0] == '+' {
			return false
		}
		number = n
		return true
	}, message)
	return number
}

func isRole(name string) bool {
	_, ok := hub.ParseRole(name)
	return ok
}

func roleNames() []string {
	var names []string
	for _, r := range hub.Roles() {
		names = append(names, r.String())
	}
	return names
}

func isSearch(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxSearch && !strings.ContainsFunc(text, unicode.IsControl)
}
