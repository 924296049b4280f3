package attack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// canary is part of every password that is made up. Nothing that the hub answers or logs may hold it.
const canary = "Canary-7q"

// nastyStrings are as JSON has them, without quotes.
var nastyStrings = []string{
	``, ` `, `\u0000`, `a\u0000b`, `\ud800`, `\udfff\ud800`, `\r\nSet-Cookie: x=1`, `\u202egnp.exe`, `\u200b`, `\ufeff`, `\uffff`,
	`e\u0301`, `ﬁ`, `İı`, `😀`, `👩‍👩‍👧‍👦`, `' OR 1=1 --`, `{\"$ne\":null}`, `$where`, `{{7*7}}`, `${jndi:ldap://x}`, `%s%n%x`, `../../etc/passwd`,
	`<script>alert(1)</script>`, `javascript:alert(1)`, `null`, `true`, `-1`, `0`, `NaN`, `a@b`, `@`, `"`, `\"@example.com`, `a@[127.0.0.1]`,
	`a@xn--`, `+`, `+49`, `Europe/../Berlin`, `x-y-z-1-2-3`, `http://`, `http://[::1`, `file:///etc/passwd`, "\xc0\xaf", "\xed\xa0\x80", "\xff",
}

// nastyValues are JSON of every kind, and some that is none.
var nastyValues = []string{
	`null`, `true`, `false`, `0`, `-0`, `-1`, `1e400`, `-1e-400`, `9223372036854775808`, `1.5`, `01`, `+1`, `0x10`, `NaN`, `Infinity`,
	`[]`, `[null]`, `{}`, `{"$gt":""}`, `{"a":{"a":{"a":{}}}}`, `[[[[[[[[[[]]]]]]]]]]`, `undefined`, `'x'`, ``,
}

// member is one member of an object as it is written, so that names may come twice and values may be no JSON.
type member struct{ name, value string }

func written(members []member) string {
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + m.name + `":` + m.value)
	}
	return "{" + b.String() + "}"
}

// generator makes requests from the document. The same seed makes the same requests.
type generator struct {
	*rand.Rand
	prefix string // of the addresses it makes up
	made   int
}

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// oneIn reports true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func quoted(s string) string {
	text, _ := json.Marshal(s) // strings always can be
	return string(text)
}

// address returns an address that nobody has.
func (g *generator) address() string {
	g.made++
	return fmt.Sprintf("%s-%d@example.com", g.prefix, g.made)
}

// valid returns a body that the operation takes from the actor: its required members and some of the others.
func (g *generator) valid(o *operation, actor hubtest.Person, link string) []member {
	var members []member
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if slices.Contains(o.required, name) || g.oneIn(2) || o.id == "logout" || o.id == "changeRole" {
			members = append(members, member{name, g.value(o, name, actor, link)})
		}
	}
	return members
}

func (g *generator) value(o *operation, name string, actor hubtest.Person, link string) string {
	switch {
	case o.id == "login" && name == "email", o.id == "requestPasswordReset":
		return quoted(actor.Email)
	case name == "email", name == "newEmail":
		return quoted(g.address())
	case o.id == "login" && name == "password", name == "currentPassword":
		return quoted(hubtest.Password)
	case name == "password", name == "newPassword":
		return quoted(canary + "-Horse-" + strconv.Itoa(g.IntN(1e6)))
	case name == "refreshToken":
		return quoted(actor.RefreshToken)
	case name == "token":
		return quoted(link)
	}
	schema := o.fields[name]
	if enum, ok := schema["enum"].([]any); ok {
		return quoted(fmt.Sprint(enum[g.IntN(2)])) // guest or user, which most may give
	}
	example, _ := json.Marshal(schema["examples"].([]any)[0]) // it came from JSON
	return string(example)
}

// spoil changes one thing about the members. It reports whether they must be refused now, whoever asks.
func (g *generator) spoil(o *operation, members []member) (spoilt []member, refused bool) {
	i := g.IntN(max(1, len(members)))
	if len(members) == 0 {
		return []member{{"x", "1"}}, true
	}
	m := &members[i]
	isSecret := strings.Contains(strings.ToLower(m.name), "password")
	switch g.IntN(8) {
	case 0: // missing
		refused = slices.Contains(o.required, m.name)
		return slices.Delete(members, i, i+1), refused
	case 1: // twice
		return append(members, *m), true
	case 2: // in another case
		return append(members, member{strings.ToUpper(m.name), m.value}), true
	case 3: // one more
		return append(members, member{pick(g, []string{"role ", "isAdmin", "__proto__", "$set", "userId", "", `\u0000`, "passwordHash"}), `"` + canary + `"`}), true
	case 4: // another type
		m.value = pick(g, nastyValues)
		mayFit := []string{"null", "true", "false"}
		isObject := strings.Contains(fmt.Sprint(o.fields[m.name]["type"]), "object") && strings.HasPrefix(m.value, "{")
		return members, !isObject && !slices.Contains(mayFit, m.value)
	case 5: // at the edge of its length
		limit := 1
		if most, ok := o.fields[m.name]["maxLength"].(json.Number); ok {
			n, _ := most.Int64() // a schema's length is one
			limit = int(n)
		}
		m.value = quoted(strings.Repeat(pick(g, []string{"a", "é", "😀", canary}), max(1, limit+g.IntN(3)-1)))
		return members, false
	case 6: // far over it
		m.value = quoted(strings.Repeat(pick(g, []string{"A", "é", `\`, canary}), 1+g.IntN(30<<10)))
		return members, false
	default: // nasty
		nasty := pick(g, nastyStrings)
		if isSecret {
			nasty = canary + nasty
		}
		if strings.HasPrefix(m.value, `"`) && g.oneIn(2) {
			nasty = strings.Trim(m.value, `"`) + nasty
		}
		m.value = `"` + nasty + `"`
		return members, false
	}
}

// ruin makes a body that no operation takes.
func (g *generator) ruin(body string) string {
	switch g.IntN(8) {
	case 0:
		return body[:g.IntN(len(body))]
	case 1:
		return body + pick(g, []string{"{}", "x", ",", "\x00", "//c"})
	case 2:
		depth := 1 + g.IntN(60<<10)
		return strings.Repeat("[", depth)
	case 3:
		return `{"email":` + strings.Repeat("9", 1+g.IntN(64<<10)) + `}`
	case 4:
		return `{"password":"` + strings.Repeat(canary, 7<<10) + `"}`
	case 5:
		return "\xef\xbb\xbf" + body
	case 6:
		return pick(g, []string{"null", "[]", `"x"`, "1", "{'a':1}", "{,}", "\xff\xfe{\x00}\x00", `[` + body + `]`, "\x1f\x8b\x08"})
	default:
		return strings.Repeat(`{"a":`, 1+g.IntN(10<<10))
	}
}

// queryOf returns a query: each parameter left out, as its schema has it, or nasty.
func (g *generator) queryOf(o *operation, nasty bool) string {
	values := url.Values{}
	for _, p := range o.query {
		switch {
		case g.oneIn(2):
		case nasty && g.oneIn(3):
			values.Set(p.name, pick(g, append(nastyStrings, nastyValues...)))
		case p.schema["enum"] != nil:
			values.Set(p.name, fmt.Sprint(pick(g, p.schema["enum"].([]any))))
		case p.schema["type"] == "integer":
			values.Set(p.name, strconv.Itoa(1+g.IntN(100)))
		case p.schema["type"] == "boolean":
			values.Set(p.name, strconv.FormatBool(g.oneIn(2)))
		case p.name == "search":
			values.Set(p.name, pick(g, []string{"ada", "a%b_c", `\`, "é", "😀"}))
		}
	}
	if nasty && g.oneIn(4) {
		values.Set(pick(g, nastyStrings), strings.Repeat("x", g.IntN(4<<10)))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// nastyID is a path segment that is no id.
func (g *generator) nastyID() string {
	if g.oneIn(3) {
		return strings.ToUpper(hub.NewID())
	}
	return url.PathEscape(pick(g, nastyStrings) + pick(g, []string{"x", hub.NewID(), strings.Repeat("a", g.IntN(8<<10))}) + "~")
}
