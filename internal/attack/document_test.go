package attack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/a64core/hub/internal/hubtest"
)

// operation is what the document says of one operation.
type operation struct {
	id, method, path string
	fields           map[string]map[string]any // schemas of the body's members by name; nil: no body
	required         []string
	query            []parameter
	answers          map[int]content
}

type parameter struct {
	name   string
	schema map[string]any
}

// content is what an answer of one status may hold, by media type; none: it has no body.
type content map[string]answerType

type answerType struct {
	schema *jsonschema.Schema
	codes  []string // of a problem
}

// document is the OpenAPI document as the hub serves it, with its schemas compiled by a library that is not the hub's.
type document struct {
	root       map[string]any
	compiler   *jsonschema.Compiler
	operations []*operation
	problem    *jsonschema.Schema
}

const documentURL = "hub:openapi.json"

// readDocument asks the hub for its document.
func readDocument(t *testing.T, h *hubtest.Hub) *document {
	t.Helper()
	a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/openapi.json"}).Want(t, http.StatusOK)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	d := &document{root: parsed.(map[string]any), compiler: jsonschema.NewCompiler()}
	closeObjects(d.root["components"].(map[string]any)["schemas"])
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, d.root); err != nil {
		t.Fatal(err)
	}
	d.problem = d.compile(t, "/components/schemas/Problem")
	for path, item := range d.root["paths"].(map[string]any) {
		for method, o := range item.(map[string]any) {
			d.operations = append(d.operations, d.operation(t, method, path, o.(map[string]any)))
		}
	}
	slices.SortFunc(d.operations, func(a, b *operation) int { return strings.Compare(a.id, b.id) }) // a seed means the same each time
	if len(d.operations) < 30 {
		t.Fatalf("only %d operations", len(d.operations))
	}
	return d
}

// closeObjects makes every member that no schema names an error: answers must not hold what the document does not know.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if _, isObject := s["properties"].(map[string]any); isObject && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
		for _, member := range s {
			closeObjects(member)
		}
	case []any:
		for _, item := range s {
			closeObjects(item)
		}
	}
}

func (d *document) compile(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	s, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// follow returns the object and its place, or those that it refers to.
func (d *document) follow(o map[string]any, pointer string) (object map[string]any, at string) {
	ref, ok := o["$ref"].(string)
	if !ok {
		return o, pointer
	}
	at = strings.TrimPrefix(ref, "#")
	found := any(d.root)
	for step := range strings.SplitSeq(strings.TrimPrefix(at, "/"), "/") {
		found = found.(map[string]any)[step]
	}
	return found.(map[string]any), at
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

func (d *document) operation(t *testing.T, method, path string, o map[string]any) *operation {
	t.Helper()
	op := &operation{id: o["operationId"].(string), method: strings.ToUpper(method), path: path, answers: map[int]content{}}
	parameters, _ := o["parameters"].([]any)
	for _, p := range parameters {
		p, _ := d.follow(p.(map[string]any), "")
		if p["in"] == "query" {
			op.query = append(op.query, parameter{p["name"].(string), p["schema"].(map[string]any)})
		}
	}
	if body, ok := o["requestBody"].(map[string]any); ok {
		body, _ = d.follow(body, "")
		schema, _ := d.follow(body["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any), "")
		op.fields = map[string]map[string]any{}
		for name, field := range schema["properties"].(map[string]any) {
			op.fields[name] = field.(map[string]any)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			op.required = append(op.required, name.(string))
		}
	}
	for code, r := range o["responses"].(map[string]any) {
		status, err := strconv.Atoi(code)
		if err != nil {
			t.Fatalf("%s: %v", op.id, err)
		}
		response, at := d.follow(r.(map[string]any), "/paths/"+escapePointer(path)+"/"+method+"/responses/"+code)
		op.answers[status] = d.content(t, response, at)
	}
	return op
}

func (d *document) content(t *testing.T, response map[string]any, at string) content {
	t.Helper()
	c := content{}
	media, _ := response["content"].(map[string]any)
	for name, m := range media {
		a := answerType{schema: d.compile(t, at+"/content/"+escapePointer(name)+"/schema")}
		examples, _ := m.(map[string]any)["examples"].(map[string]any)
		for code := range examples {
			a.codes = append(a.codes, code)
		}
		c[name] = a
	}
	return c
}

// check returns what about the answer the document does not know.
func (o *operation) check(a hubtest.Answer) error {
	known, ok := o.answers[a.Status]
	if !ok {
		return fmt.Errorf("status %d is not documented", a.Status)
	}
	if len(known) == 0 {
		if len(a.Body) > 0 {
			return fmt.Errorf("status %d has a body", a.Status)
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	answer, ok := known[mediaType]
	if !ok {
		return fmt.Errorf("%s is not documented for status %d", mediaType, a.Status)
	}
	if err := matches(answer.schema, a); err != nil {
		return err
	}
	if mediaType == "application/problem+json" && !slices.Contains(answer.codes, a.Code()) {
		return fmt.Errorf("code %s is not documented", a.Code())
	}
	return nil
}

// matches validates the answer's body.
func matches(schema *jsonschema.Schema, a hubtest.Answer) error {
	if !json.Valid(a.Body) {
		return fmt.Errorf("status %d without JSON", a.Status)
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Body))
	if err != nil {
		return err
	}
	return schema.Validate(body)
}
