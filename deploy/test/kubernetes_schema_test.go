package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The release of Kubernetes whose API the manifests are held against, as a Go module, and its checksum as in go.sum. Of the
// module only one file is used: nothing of it is compiled.
const (
	kubernetesModule = "k8s.io/kubernetes@v1.37.2"
	kubernetesSum    = "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="
)

// schemas are those of Kubernetes' own OpenAPI document, in which unknown fields are mistakes.
type schemas struct {
	compiler *jsonschema.Compiler
	kinds    map[string]string // a definition's name by apiVersion and kind
	mu       sync.Mutex        // the compiler's
}

// loadSchemas reads the document from the module, which the Go command fetches once and keeps.
func loadSchemas(t *testing.T) *schemas {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", kubernetesModule)
	cmd.Dir = t.TempDir() // in no module: it becomes a requirement of none
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal([]byte(run(t, cmd)), &module); err != nil {
		t.Fatal(err)
	}
	if module.Sum != kubernetesSum {
		t.Fatalf("%s has the checksum %s", kubernetesModule, module.Sum)
	}
	file, err := os.Open(filepath.Join(module.Dir, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &schemas{compiler: jsonschema.NewCompiler(), kinds: make(map[string]string)}
	for name, definition := range document.(map[string]any)["definitions"].(map[string]any) {
		s.add(name, definition.(map[string]any))
	}
	s.compiler.DefaultDraft(jsonschema.Draft4)
	if err := s.compiler.AddResource("swagger.json", document); err != nil {
		t.Fatal(err)
	}
	return s
}

// add notes what kind the definition is of, and makes it as strict as the API server is asked to be by kubectl.
func (s *schemas) add(name string, definition map[string]any) {
	if versions, ok := definition["x-kubernetes-group-version-kind"].([]any); ok {
		for _, v := range versions {
			version := v.(map[string]any)
			s.kinds[strings.TrimPrefix(fmt.Sprintf("%v/%v %v", version["group"], version["version"], version["kind"]), "/")] = name
		}
	}
	if _, ok := definition["properties"]; ok {
		definition["additionalProperties"] = false
	}
	// What is written as a number or as text. OpenAPI 2 has no words for that.
	if strings.HasSuffix(name, ".IntOrString") || strings.HasSuffix(name, ".Quantity") {
		definition["type"] = []any{"string", "number"}
	}
}

// validate returns what is wrong with an object.
func (s *schemas) validate(object map[string]any) error {
	kind := fmt.Sprintf("%v %v", object["apiVersion"], object["kind"])
	name, ok := s.kinds[kind]
	if !ok {
		return fmt.Errorf("Kubernetes has no %s", kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, err := s.compiler.Compile("swagger.json#/definitions/" + name)
	if err != nil {
		return err
	}
	return schema.Validate(object)
}
