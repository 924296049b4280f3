package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func TestParseObjectRefusesWhatTwoParsersMightReadDifferently(t *testing.T) {
	t.Parallel()
	deep := func(levels int) string {
		return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
	}
	tests := []struct {
		name, body string
		want       hub.Code // empty: accepted
	}{
		{"HTT-01 empty", ``, hub.CodeMalformedRequest},
		{"HTT-01 white space only", " \n", hub.CodeMalformedRequest},
		{"HTT-01 open", `{`, hub.CodeMalformedRequest},
		{"HTT-01 single quotes", `{'a':1}`, hub.CodeMalformedRequest},
		{"HTT-01 trailing comma", `{"a":1,}`, hub.CodeMalformedRequest},
		{"HTT-01 not a number", `NaN`, hub.CodeMalformedRequest},
		{"HTT-01 byte order mark", "\ufeff{}", hub.CodeMalformedRequest},
		{"HTT-01 comment", `//c`, hub.CodeMalformedRequest},
		{"HTT-01 null", `null`, hub.CodeValidationError},
		{"HTT-01 array", `[]`, hub.CodeValidationError},
		{"HTT-01 string", `"x"`, hub.CodeValidationError},
		{"trailing value", `{} {}`, hub.CodeMalformedRequest},
		{"trailing text", `{}x`, hub.CodeMalformedRequest},
		{"trailing brace", `{}}`, hub.CodeMalformedRequest},
		{"trailing NUL", "{}\x00", hub.CodeMalformedRequest},
		{"trailing white space", "{} \r\n\t", ""},
		{"REG-06 name twice", `{"email":"a","email":"b"}`, hub.CodeMalformedRequest},
		{"REG-06 name twice, escaped", `{"email":"a","\u0065mail":"b"}`, hub.CodeMalformedRequest},
		{"REG-06 name in two cases", `{"email":"a","EMAIL":"b"}`, hub.CodeMalformedRequest},
		{"REG-06 name with a Kelvin sign", `{"token":"a","to` + "\u212a" + `en":"b"}`, hub.CodeMalformedRequest},
		{"REG-06 name with a long s", `{"password":"a","pa` + "\u017f" + `sword":"b"}`, hub.CodeMalformedRequest},
		{"name twice, below", `{"metadata":[{"a":1,"A":2}]}`, hub.CodeMalformedRequest},
		{"same name in two objects", `{"a":[{"b":1},{"b":2},{"b":{"a":{"b":3}}}],"b":{"a":1}}`, ""},
		{"HTT-20 overlong", "{\"a\":\"\xc0\xaf\"}", hub.CodeMalformedRequest},
		{"HTT-20 lone continuation", "{\"a\":\"\x80\"}", hub.CodeMalformedRequest},
		{"HTT-20 UTF-16", "\xff\xfe{\x00}\x00", hub.CodeMalformedRequest},
		{"half a surrogate pair is left to the value", `{"a":"\ud800"}`, ""},
		{"HTT-03 deepest", deep(maxDepth), ""},
		{"HTT-03 too deep", deep(maxDepth + 1), hub.CodeMalformedRequest},
		{"HTT-03 far too deep", strings.Repeat("[", maxBodyBytes), hub.CodeMalformedRequest},
		{"HTT-03 far too deep in objects", strings.Repeat(`{"a":`, maxBodyBytes/5), hub.CodeMalformedRequest},
		{"HTT-03 long number", `{"a":1` + strings.Repeat("0", maxBodyBytes-10) + `}`, ""},
	}
	for _, tt := range tests {
		_, err := parseObject([]byte(tt.body))
		var e *hub.Error
		errors.As(err, &e)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && !hub.IsCode(err, tt.want):
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestParseObjectLeavesValuesAsTheyAre(t *testing.T) {
	t.Parallel()
	got, err := parseObject([]byte(" { \"a\" : \"x y\" ,\n\"b\": [ 1, {\"c\":\":\"} ],\"\\u0064\":{ },\"\":null}"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for name, value := range got {
		values[name] = string(value)
	}
	want := map[string]string{"a": `"x y"`, "b": `[ 1, {"c":":"} ]`, "d": `{ }`, "": `null`}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestContentTypeMustBePlainJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header http.Header
		want   bool
	}{
		{"plain", http.Header{"Content-Type": {"application/json"}}, true},
		{"UTF-8", http.Header{"Content-Type": {"application/json; charset=utf-8"}}, true},
		{"UTF-8, shouting", http.Header{"Content-Type": {`Application/JSON;charset="UTF-8"`}}, true},
		{"HTT-04 none", http.Header{}, false},
		{"HTT-04 text", http.Header{"Content-Type": {"text/plain"}}, false},
		{"HTT-04 form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, false},
		{"HTT-04 UTF-16", http.Header{"Content-Type": {"application/json; charset=utf-16"}}, false},
		{"HTT-04 two character sets", http.Header{"Content-Type": {"application/json; charset=utf-8; charset=utf-16"}}, false},
		{"another parameter", http.Header{"Content-Type": {"application/json; profile=x"}}, false},
		{"JSON of another kind", http.Header{"Content-Type": {"application/problem+json"}}, false},
		{"INJ-17 XML", http.Header{"Content-Type": {"application/xml"}}, false},
		{"two headers", http.Header{"Content-Type": {"application/json", "application/json"}}, false},
		{"two in one", http.Header{"Content-Type": {"application/json, text/plain"}}, false},
		{"HTT-06 compressed", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, false},
	}
	for _, tt := range tests {
		err := checkContentType(tt.header)
		if got := err == nil; got != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":"\ud83d\ude00","b":[{}]}`, `{"a":1,"A":2}`, `[]`, `{"a":{"b":[1,2,{"c":null}]}} `, "\ufeff{}", `{"a":1e9,"b":-0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		members, err := parseObject(body)
		if err != nil {
			var e *hub.Error
			if !errors.As(err, &e) || (e.Code != hub.CodeMalformedRequest && e.Code != hub.CodeValidationError) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("accepted what encoding/json does not: %v", err)
		}
		if len(want) != len(members) {
			t.Fatalf("%d members, encoding/json sees %d", len(members), len(want))
		}
		for name, value := range members {
			if string(want[name]) != string(value) {
				t.Fatalf("a member is %q, for encoding/json %q", value, want[name])
			}
		}
	})
}
