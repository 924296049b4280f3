package api

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func described() *API {
	return &API{Name: "A64 Core Platform API Hub", Version: "1"}
}

func TestOpenAPIDocumentIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	got, err := described().OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("..", "..", "docs", "openapi.yaml")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("docs/openapi.yaml is out of date (go test ./internal/api -update writes it): -file +code\n%s", diff)
	}
}

func TestOpenAPIReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	text, err := described().OpenAPIJSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	refs := 0
	walk(doc, func(object map[string]any) {
		ref, ok := object["$ref"].(string)
		if !ok {
			return
		}
		refs++
		at := doc
		for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			members, _ := at.(map[string]any)
			at = members[step]
		}
		if at == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	if refs == 0 {
		t.Error("no references found")
	}
}

func TestEnumeratedRolesAreTheDomains(t *testing.T) {
	t.Parallel()
	tb := described().routes()
	for _, name := range []string{"User", "NewUser", "RoleChange", "RoleStats"} {
		var got []string
		for _, v := range tb.registry.Map()[name].Properties["role"].Enum {
			got = append(got, v.(string))
		}
		if diff := cmp.Diff(roleNames(), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func walk(value any, visit func(map[string]any)) {
	switch v := value.(type) {
	case map[string]any:
		visit(v)
		for _, member := range v {
			walk(member, visit)
		}
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	}
}
