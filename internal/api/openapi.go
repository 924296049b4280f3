package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
)

// OpenAPI returns the document that describes every operation, as OpenAPI 3.1 in YAML.
func (a *API) OpenAPI() ([]byte, error) {
	doc, err := a.document()
	if err != nil {
		return nil, err
	}
	return doc.YAML()
}

// OpenAPIJSON returns the document in JSON.
func (a *API) OpenAPIJSON() ([]byte, error) {
	doc, err := a.document()
	if err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

// Problem is the form of every error answer.
type Problem problem.Document

func (a *API) document() (*huma.OpenAPI, error) {
	t := a.routes()
	if err := t.check(); err != nil {
		return nil, err
	}
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: a.Name, Version: a.Version, Description: introduction,
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/", Description: "The host that serves this document."}},
		Tags: []*huma.Tag{
			{Name: tagAuth, Description: "Get tokens, renew them, end them."},
			{Name: tagAccount, Description: "What people do with their own account."},
			{Name: tagSessions, Description: "Where an account is signed in."},
			{Name: tagUsers, Description: "What moderators and admins do with the accounts of others."},
			{Name: tagSystem, Description: "The hub itself."},
		},
		Components: &huma.Components{
			Schemas:   t.registry,
			Headers:   headers(),
			Examples:  map[string]*huma.Example{},
			Responses: map[string]*huma.Response{},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				bearerScheme: {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "The access token of a sign-in."},
			},
		},
	}
	problemSchema := t.problemSchema()
	for _, p := range hub.Problems() {
		doc.Components.Examples[string(p.Code)] = &huma.Example{Summary: p.Message, Value: exampleProblem(p)}
	}
	texts := descriptions()
	for _, rt := range t.routes {
		o := rt.operation(texts[rt.ID])
		rt.addProblems(o, doc.Components, problemSchema)
		doc.AddOperation(o)
	}
	t.openAnswers()
	return doc, nil
}

const bearerScheme = "bearer"

// operation describes one operation.
func (rt *route) operation(text description) *huma.Operation {
	limited := strings.HasPrefix(rt.Path, prefix)
	o := &huma.Operation{
		OperationID: rt.ID, Method: rt.Method, Path: rt.Path,
		Tags: []string{text.Tag}, Summary: text.Summary, Description: text.Text,
		Parameters: slices.Concat(pathParams(rt.Path), rt.params),
		Responses:  map[string]*huma.Response{},
		Security:   []map[string][]string{},
		Extensions: map[string]any{"x-required-role": rt.Access.String(), "x-rate-limit": "none"},
	}
	if limited {
		o.Extensions["x-rate-limit"] = "role"
	}
	if rt.Access != Public {
		o.Security = []map[string][]string{{bearerScheme: {}}}
	}
	if rt.body != nil {
		o.RequestBody = &huma.RequestBody{
			Required: !rt.noBody,
			Content:  map[string]*huma.MediaType{"application/json": {Schema: rt.body}},
		}
	}
	success := &huma.Response{Description: text.Success, Headers: headerRefs(limited, "X-Request-Id")}
	if success.Description == "" {
		success.Description = http.StatusText(rt.Status)
	}
	if rt.answer != nil {
		success.Content = map[string]*huma.MediaType{"application/json": {Schema: rt.answer}}
	}
	o.Responses[strconv.Itoa(rt.Status)] = success
	if rt.other != 0 {
		other := *success
		other.Description = http.StatusText(rt.other)
		o.Responses[strconv.Itoa(rt.other)] = &other
	}
	return o
}

// problemResponse is the component that describes one status of an error answer with the codes it may carry, and its name,
// which is made of both.
func problemResponse(status int, problems []hub.Problem, schema *huma.Schema) (string, *huma.Response) {
	name := strconv.Itoa(status)
	response := &huma.Response{Headers: headerRefs(status == http.StatusTooManyRequests, problemHeaders(status)...)}
	examples := map[string]*huma.Example{}
	for _, p := range problems {
		name += "." + string(p.Code)
		response.Description += fmt.Sprintf("- `%s`: %s\n", p.Code, p.Message)
		examples[string(p.Code)] = &huma.Example{Ref: "#/components/examples/" + string(p.Code)}
	}
	response.Content = map[string]*huma.MediaType{"application/problem+json": {Schema: schema, Examples: examples}}
	return name, response
}

// addProblems adds the error answers of rt to o: one for each status.
func (rt *route) addProblems(o *huma.Operation, components *huma.Components, schema *huma.Schema) {
	byStatus := map[int][]hub.Problem{}
	for _, p := range hub.Problems() {
		if slices.Contains(rt.Codes, p.Code) {
			status := problem.Status(p.Kind)
			byStatus[status] = append(byStatus[status], p)
		}
	}
	for status, problems := range byStatus {
		name, response := problemResponse(status, problems, schema)
		components.Responses[name] = response
		o.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
}

// problemSchema describes every error answer.
func (t *table) problemSchema() *huma.Schema {
	ref := t.registry.Schema(reflect.TypeFor[Problem](), true, "")
	properties := t.registry.SchemaFromRef(ref.Ref).Properties
	for name, text := range map[string]string{
		"type":      "The code as a URN.",
		"title":     "The code in words.",
		"detail":    "One sentence for people.",
		"instance":  "The path of the request.",
		"code":      "Names the error for programs; stable.",
		"requestId": "The request in our logs.",
		"traceId":   "The trace that the request belongs to, where traces are kept.",
		"timestamp": "RFC 3339, UTC, milliseconds.",
		"errors":    "What is wrong with which value, none of which is repeated.",
	} {
		properties[name].Description = text
	}
	properties["errors"].Nullable = false
	for _, p := range hub.Problems() {
		properties["code"].Enum = append(properties["code"].Enum, string(p.Code))
	}
	return ref
}

// openAnswers lets answers grow: clients must not refuse fields they do not know. Requests stay closed.
func (t *table) openAnswers() {
	requests := map[string]bool{}
	for _, rt := range t.routes {
		if rt.body != nil {
			requests[rt.body.Ref] = true
		}
	}
	for name, schema := range t.registry.Map() {
		if !requests["#/components/schemas/"+name] {
			schema.AdditionalProperties = nil
		}
	}
}

// pathParams describes the parameters of a path.
func pathParams(path string) []*huma.Param {
	texts := map[string]string{"userId": "Of the account.", "sessionId": "Of the session."}
	var params []*huma.Param
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(strings.TrimSuffix(part, "}"), "{"); ok {
			params = append(params, &huma.Param{
				Name: name, In: "path", Required: true, Description: texts[name],
				Schema: &huma.Schema{Type: huma.TypeString, Format: "uuid"},
			})
		}
	}
	return params
}

func problemHeaders(status int) []string {
	switch status {
	case http.StatusUnauthorized:
		return []string{"X-Request-Id", "WWW-Authenticate"}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return []string{"X-Request-Id", "Retry-After"}
	}
	return []string{"X-Request-Id"}
}

// headers are the response headers that clients may go by.
func headers() map[string]*huma.Header {
	text := &huma.Schema{Type: huma.TypeString}
	seconds := &huma.Schema{Type: huma.TypeInteger}
	return map[string]*huma.Header{
		"X-Request-Id":          {Description: "Names the request in our logs. A sane one that the client sends is kept.", Schema: text},
		"WWW-Authenticate":      {Description: "Bearer (RFC 6750).", Schema: text},
		"Retry-After":           {Description: "Seconds after which to try again.", Schema: seconds},
		"RateLimit-Policy":      {Description: "The limit that applies: `\"user\";q=100;w=60` is 100 requests in any 60 seconds.", Schema: text},
		"RateLimit":             {Description: "What is left of it: `\"user\";r=99;t=42` is 99 requests, and 42 seconds until there are more.", Schema: text},
		"X-RateLimit-Limit":     {Description: "`q` of RateLimit-Policy.", Schema: seconds},
		"X-RateLimit-Remaining": {Description: "`r` of RateLimit.", Schema: seconds},
		"X-RateLimit-Reset":     {Description: "`t` of RateLimit.", Schema: seconds},
	}
}

// headerRefs refers to headers by name, and to those of the limit if the answer carries them.
func headerRefs(limited bool, names ...string) map[string]*huma.Header {
	if limited {
		names = append(names, "RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
	}
	refs := map[string]*huma.Header{}
	for _, name := range names {
		refs[name] = &huma.Header{Ref: "#/components/headers/" + name}
	}
	return refs
}

// exampleProblem is what an error answer with the code of p looks like.
func exampleProblem(p hub.Problem) problem.Document {
	ctx := hub.WithOrigin(context.Background(), hub.Origin{RequestID: "0197a3c2-0b64-7d11-8e5f-2a3b4c5d6e7f"})
	e := hub.NewError(p.Code)
	if p.Kind == hub.KindInvalid {
		e.Fields = []hub.FieldError{{Location: "body.email", Message: "is required"}}
	}
	return problem.From(ctx, e, prefix+"/users", time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC))
}
