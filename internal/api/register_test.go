package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

// sample is a body with every kind of field that there is.
type sample struct {
	Name   string      `json:"name" minLength:"2" maxLength:"4"`
	Secret hub.Secret  `json:"secret" minLength:"1"`
	Flag   bool        `json:"flag"`
	Kind   *string     `json:"kind,omitempty" enum:"red,blue"`
	Phone  *string     `json:"phone,omitempty" nullable:"true" minLength:"1"`
	Token  *hub.Secret `json:"token,omitempty" nullable:"true" minLength:"1"`
}

type sampleAnswer struct {
	Text string `json:"text"`
}

// serving returns a handler for the operations that add adds.
func serving(f *fixture, add func(*table)) http.Handler {
	t := newTable(f.API)
	add(t)
	return t.router()
}

func echo(_ context.Context, in sample) (sampleAnswer, error) {
	return sampleAnswer{in.Name + " <" + in.Secret.Reveal() + ">"}, nil
}

func TestBodyIsDecodedStrictly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := serving(f, func(tb *table) { post(tb, "/api/v1/sample", echo, op{ID: "sample", Access: Public}) })
	const rest = `,"secret":"s","flag":true}`
	tests := []struct {
		name, body string
		status     int
		fields     map[string]string // location and what its message contains
	}{
		{"all there", `{"name":"ada"` + rest, 200, nil},
		{"null where it may be", `{"phone":null,"token":null,"name":"ada"` + rest, 200, nil},
		{"characters are counted, not bytes", `{"name":"😀😀😀😀"` + rest, 200, nil},
		{"surrogate pair", `{"name":"\ud83d\ude00x"` + rest, 200, nil},
		{"REG-33 all missing", `{}`, 422, map[string]string{"body.name": "required", "body.secret": "required", "body.flag": "required"}},
		{"REG-33 null", `{"name":null,"secret":null,"flag":null,"kind":null}`, 422, map[string]string{"body.name": "null", "body.secret": "null", "body.flag": "null", "body.kind": "null"}},
		{"REG-32 types", `{"name":123,"secret":["CANARY"],"flag":"true","phone":{"$gt":""},"token":false}`, 422, map[string]string{"body.name": "string", "body.secret": "string", "body.flag": "true or false", "body.phone": "string", "body.token": "string"}},
		{"SES-14 empty", `{"phone":"","token":"","name":"ada"` + rest, 422, map[string]string{"body.phone": "empty", "body.token": "empty"}},
		{"too short", `{"name":"a"` + rest, 422, map[string]string{"body.name": "at least 2"}},
		{"too long", `{"name":"CANARY"` + rest, 422, map[string]string{"body.name": "at most 4"}},
		{"RBA-12 not one of", `{"kind":"RED","name":"ada"` + rest, 422, map[string]string{"body.kind": "red, blue"}},
		{"REG-17 half a surrogate pair", `{"name":"\ud800"` + rest, 422, map[string]string{"body.name": "surrogate"}},
		{"REG-02 unknown field", `{"CANARY":1,"name":"ada"` + rest, 422, map[string]string{"body": "name, secret, flag"}},
		{"known field in another case", `{"NAME":"ada"` + rest, 422, map[string]string{"body.name": "required", "body": "spelled"}},
		{"not an object", `"CANARY"`, 422, map[string]string{"body": "object"}},
		{"malformed", `{CANARY`, 400, nil},
		{"empty", ``, 415, nil},
	}
	for _, tt := range tests {
		w := do(t, h, call{method: "POST", target: "/api/v1/sample", body: tt.body})
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, w.Code, tt.status, w.Body)
			continue
		}
		if strings.Contains(w.Body.String(), "CANARY") {
			t.Errorf("%s: repeats what was sent: %s", tt.name, w.Body)
		}
		if tt.status == 200 {
			continue
		}
		p := problemOf(t, w)
		if len(p.Errors) != len(tt.fields) {
			t.Errorf("%s: %+v, want %d errors", tt.name, p.Errors, len(tt.fields))
		}
		for _, e := range p.Errors {
			if want, ok := tt.fields[e.Location]; !ok || !strings.Contains(e.Message, want) {
				t.Errorf("%s: %s %q, want %q", tt.name, e.Location, e.Message, want)
			}
		}
	}
	if f.log.Len() > 0 {
		t.Errorf("logged: %s", &f.log)
	}
}

func TestBodySizeIsLimited(t *testing.T) {
	t.Parallel()
	h := serving(newFixture(t), func(tb *table) { post(tb, "/sample", echo, op{ID: "sample", Access: Public}) })
	body := func(size int) string {
		const text = `{"name":"ada","secret":"s","flag":true}`
		return text + strings.Repeat(" ", size-len(text))
	}
	for size, want := range map[int]int{maxBodyBytes: 200, maxBodyBytes + 1: 413} {
		w := do(t, h, call{method: "POST", target: "/sample", body: body(size)})
		if w.Code != want || (want == 413) != (w.Header().Get("Connection") == "close") {
			t.Errorf("%d bytes: %d %v, want %d", size, w.Code, w.Header(), want)
		}
		ctx := t.Context() // the same with a length that is not announced
		r, err := http.NewRequestWithContext(ctx, "POST", "/sample", struct{ *strings.Reader }{strings.NewReader(body(size))})
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if w := serve1(h, r); w.Code != want {
			t.Errorf("%d bytes, chunked: %d, want %d", size, w.Code, want)
		}
	}
}

func TestOptionalBodyMayBeLeftOut(t *testing.T) {
	t.Parallel()
	type optional struct {
		Token *hub.Secret `json:"token,omitempty" nullable:"true" minLength:"1"`
	}
	h := serving(newFixture(t), func(tb *table) {
		post(tb, "/post", func(_ context.Context, in optional) (sampleAnswer, error) {
			return sampleAnswer{strconv.FormatBool(in.Token != nil)}, nil
		}, op{ID: "post", Access: Public})
		patch(tb, "/patch", func(context.Context, optional) (none, error) { return none{}, nil }, op{ID: "patch", Access: Public})
	})
	tests := []struct {
		name string
		call call
		want int
		text string
	}{
		{"nothing, no type", call{method: "POST", target: "/post"}, 200, `{"text":"false"}`},
		{"nothing, but a type", call{method: "POST", target: "/post", header: http.Header{"Content-Type": {"text/plain"}}}, 200, `{"text":"false"}`},
		{"empty object", call{method: "POST", target: "/post", body: "{}"}, 200, `{"text":"false"}`},
		{"null", call{method: "POST", target: "/post", body: `{"token":null}`}, 200, `{"text":"true"}`},
		{"white space", call{method: "POST", target: "/post", body: ` `}, 400, ""},
		{"HTT-04 a body without a type", call{method: "POST", target: "/post", body: "{}", header: http.Header{}}, 415, ""},
		{"a patch needs one", call{method: "PATCH", target: "/patch", header: http.Header{"Content-Type": {"application/json"}}}, 400, ""},
		{"LIF-07 a patch of nothing", call{method: "PATCH", target: "/patch", body: "{}"}, 204, ""},
	}
	for _, tt := range tests {
		w := do(t, h, tt.call)
		if w.Code != tt.want || (tt.text != "" && w.Body.String() != tt.text) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.want, tt.text)
		}
	}
}

func TestAnswerIsWrittenInOnePiece(t *testing.T) {
	t.Parallel()
	h := serving(newFixture(t), func(tb *table) {
		get(tb, "/text", func(context.Context, none) (sampleAnswer, error) { return sampleAnswer{"<é>"}, nil }, op{ID: "text", Access: Public})
		get(tb, "/empty", func(context.Context, none) (none, error) { return none{}, nil }, op{ID: "empty", Access: Public})
		post(tb, "/made", func(context.Context, none) (sampleAnswer, error) { return sampleAnswer{}, nil }, op{ID: "made", Access: Public, Status: 201})
	})
	const text = `{"text":"<é>"}`
	for _, tt := range []struct {
		method, path string
		status       int
		body, length string
	}{
		{"GET", "/text", 200, text, strconv.Itoa(len(text))},
		{"HEAD", "/text", 200, "", strconv.Itoa(len(text))},
		{"GET", "/empty", 204, "", ""},
		{"POST", "/made", 201, `{"text":""}`, "11"},
	} {
		w := do(t, h, call{method: tt.method, target: tt.path})
		if w.Code != tt.status || w.Body.String() != tt.body || w.Header().Get("Content-Length") != tt.length {
			t.Errorf("%s %s: %d %q, length %s", tt.method, tt.path, w.Code, w.Body, w.Header().Get("Content-Length"))
		}
		if got := w.Header().Get("Content-Type"); (tt.status == 204) != (got == "") || (got != "" && got != "application/json; charset=utf-8") {
			t.Errorf("%s %s: type %q", tt.method, tt.path, got)
		}
	}
}

func TestErrorsAreAnsweredOnceAndSafely(t *testing.T) {
	t.Parallel()
	failing := func(err error) handler[none, none] {
		return func(context.Context, none) (none, error) { return none{}, err }
	}
	f := newFixture(t)
	h := serving(f, func(tb *table) {
		o := op{Access: Public, Codes: codes(hub.CodeForbidden, hub.CodeValidationError)}
		get(tb, "/plain", failing(errors.New("CANARY")), o)
		get(tb, "/away", failing(hub.ErrUnavailable), o)
		get(tb, "/forbidden", failing(hub.NewError(hub.CodeForbidden)), o)
		get(tb, "/fields", failing(hub.Invalid(hub.FieldError{Location: "email", Message: "m"}, hub.FieldError{Location: "query.cursor"}, hub.FieldError{})), o)
		get(tb, "/undocumented", failing(hub.NewError(hub.CodeTokenUsed)), op{ID: "surprise", Access: Public})
	})
	for path, want := range map[string]int{"/plain": 500, "/away": 503, "/forbidden": 403, "/fields": 422, "/undocumented": 400} {
		w := do(t, h, call{method: "GET", target: path})
		if w.Code != want || strings.Contains(w.Body.String(), "CANARY") || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if path == "/fields" {
			var got []string
			for _, e := range problemOf(t, w).Errors {
				got = append(got, e.Location)
			}
			if diff := cmp.Diff([]string{"body.email", "query.cursor", "body"}, got); diff != "" {
				t.Errorf("locations (-want +got):\n%s", diff)
			}
		}
	}
	if diff := cmp.Diff([]string{"none GET /forbidden"}, f.denied); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := f.log.String(); !strings.Contains(got, "operation=surprise code=TOKEN_USED") {
		t.Errorf("an undocumented code is not logged: %q", got)
	}
}

func TestTableRefusesIncompleteOperations(t *testing.T) {
	t.Parallel()
	h := func(context.Context, none) (none, error) { return none{}, nil }
	for name, tt := range map[string]struct {
		want string
		add  func(*table)
	}{
		"no access":   {"says nothing of access", func(tb *table) { get(tb, "/x", h, op{ID: "x"}) }},
		"no id":       {"has no id", func(tb *table) { get(tb, "/x", h, op{Access: Public}) }},
		"id twice":    {"has no id of its own", func(tb *table) { get(tb, "/x", h, op{ID: "me", Access: Public}) }},
		"place twice": {"is there twice", func(tb *table) { get(tb, "/api/v1/auth/me", h, op{ID: "x", Access: Public}) }},
		"no words":    {"is not described", func(tb *table) { get(tb, "/x", h, op{ID: "x", Access: Public}) }},
		"strange body": {"a body cannot hold", func(tb *table) {
			post(tb, "/x", func(context.Context, struct {
				N int `json:"n"`
			},
			) (none, error) {
				return none{}, nil
			}, op{ID: "x", Access: Public})
		}},
	} {
		tb := newFixture(t).routes()
		if err := tb.check(); err != nil {
			t.Fatal(err)
		}
		tt.add(tb)
		if err := tb.check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestUnsetAccessLetsNobodyIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := serving(f, func(tb *table) {
		get(tb, "/x", func(context.Context, none) (none, error) { return none{}, nil }, op{ID: "x"})
	})
	if w := do(t, h, call{method: "GET", target: "/x", token: f.tokens[hub.RoleSuperAdmin]}); w.Code != 403 {
		t.Errorf("status %d", w.Code)
	}
}
