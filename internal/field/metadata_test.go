package field_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/a64core/hub/internal/field"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	const maxSize = 16 << 10
	nested := func(levels int) string {
		return strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
	}
	full := `{"a":"` + strings.Repeat("x", maxSize-len(`{"a":""}`)) + `"}`
	cases{
		{"empty object", `{}`, `{}`},
		{"compacted", " {\n\t\"a\" : [ 1 , true , null , \"b c\" ] }\n", `{"a":[1,true,null,"b c"]}`},
		{"numbers keep their digits", `{"a":12345678901234567890.10}`, `{"a":12345678901234567890.10}`},
		{"any text as a value", `{"a":"$set","b":"a.b","c":"__proto__"}`, `{"a":"$set","b":"a.b","c":"__proto__"}`},
		{"dollar inside a name", `{"a$":1}`, `{"a$":1}`},
		{"one name at two levels", `{"a":{"a":1},"b":{"a":2}}`, `{"a":{"a":1},"b":{"a":2}}`},
		{"32 levels", nested(32), nested(32)},
		{"16 KiB", full, full},
		{"16 KiB and white space", full + "  ", full},
		{"33 levels", nested(33), ""},
		{"33 levels of arrays", `{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, ""},
		{"100000 levels", strings.Repeat(`{"a":`, 100_000), ""},
		{"16 KiB and 1", strings.Replace(full, "x", "xx", 1), ""},
		{"nothing", ``, ""},
		{"null", `null`, ""},
		{"array", `[]`, ""},
		{"string", `"{}"`, ""},
		{"cut off", `{"a":1`, ""},
		{"two values", `{} {}`, ""},
		{"trailing text", `{}x`, ""},
		{"trailing comma", `{"a":1,}`, ""},
		{"duplicate name", `{"a":1,"a":2}`, ""},
		{"duplicate name by escape", `{"a":1,"\u0061":2}`, ""},
		{"duplicate name inside", `{"b":[{"a":1,"a":2}]}`, ""},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", ""},
		{"lone surrogate", `{"a":"\ud800"}`, ""},
		{"number beyond double precision", `{"a":1e999}`, ""},
		{"INJ-16 operator", `{"$set":{"role":"admin"}}`, ""},
		{"INJ-16 operator inside", `{"b":[{"$where":1}]}`, ""},
		{"INJ-16 operator by escape", `{"\u0024set":1}`, ""},
		{"INJ-16 path", `{"a.b":1}`, ""},
		{"INJ-16 prototype", `{"__proto__":{}}`, ""},
		{"INJ-16 prototype inside", `{"a":{"__proto__":{}}}`, ""},
		{"INJ-16 constructor", `{"constructor":1}`, ""},
		{"INJ-16 prototype property", `{"prototype":1}`, ""},
		{"empty name", `{"":1}`, ""},
		{"NUL in a name", `{"a\u0000":1}`, ""},
	}.run(t, func(raw string) (string, error) {
		got, err := field.Metadata([]byte(raw))
		return string(got), err
	})
}

func TestMetadataLeavesItsArgumentAlone(t *testing.T) {
	t.Parallel()
	raw := []byte(`{ "a" : 1 }`)
	got, err := field.Metadata(raw)
	if err != nil {
		t.Fatal(err)
	}
	got[0] = 'x'
	if string(raw) != `{ "a" : 1 }` {
		t.Errorf("the argument became %s", raw)
	}
}

func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{}`, ` { "a" : [1, {"b":null}] } `, `{"a":1,"a":2}`, `{"$set":1}`, `{"a.b":1}`, `{"a":1e999}`, `[{}]`, `{"a":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := field.Metadata(raw)
		if err != nil {
			return
		}
		again, err := field.Metadata(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("Metadata(%q) = %q, and of that %q, %v", raw, got, again, err)
		}
		var object map[string]any
		if err := json.Unmarshal(got, &object); err != nil || object == nil || len(got) > 16<<10 {
			t.Errorf("Metadata(%q) = %q, %v", raw, got, err)
		}
		for name := range object {
			if name == "" || name[0] == '$' || strings.Contains(name, ".") || name == "__proto__" {
				t.Errorf("Metadata(%q) let the name %q pass", raw, name)
			}
		}
	})
}
