package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry"
)

// Operation is one method of one path.
type Operation struct {
	ID     string // unique; what generated clients call it
	Method string
	Path   string // with parameters as {name}
	Access Access
	Status int        // of success
	Codes  []hub.Code // every error it can answer, in the order of hub.Problems
	Body   bool       // reads a request body
}

// op is what routes.go says of an operation besides its method and path.
type op struct {
	ID     string
	Access Access
	Status int        // of success; 0: 200, or 204 if there is nothing to answer
	Else   int        // another status with the same body, chosen by the answer
	Codes  []hub.Code // errors of its own; those that follow from the other fields are added
}

// none is the input or the answer of an operation that has none.
type none struct{}

// queryInput is an input that is read from the query instead of the body.
type queryInput interface {
	readQuery(url.Values) error
	params() []*huma.Param
}

// statusAnswer is an answer that chooses its status.
type statusAnswer interface{ status() int }

// table collects the operations with everything that serving and describing them takes.
type table struct {
	api      *API
	registry huma.Registry
	routes   []route
	errs     []error
}

type route struct {
	Operation
	other   int           // op.Else
	answer  *huma.Schema  // nil: none
	body    *huma.Schema  // nil: none
	noBody  bool          // the body may be left out
	params  []*huma.Param // of the query
	handler http.Handler
}

func newTable(a *API) *table {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[hub.Secret](), reflect.TypeFor[string]())
	registry.RegisterTypeAlias(reflect.TypeFor[jsontext.Value](), reflect.TypeFor[map[string]any]())
	return &table{api: a, registry: registry}
}

// handler does the work of one operation on decoded input. It returns [*hub.Error] for what a client may know.
type handler[In, Out any] func(context.Context, In) (Out, error)

func get[In, Out any](t *table, path string, h handler[In, Out], o op) {
	add(t, http.MethodGet, path, h, o)
}

func post[In, Out any](t *table, path string, h handler[In, Out], o op) {
	add(t, http.MethodPost, path, h, o)
}

func patch[In, Out any](t *table, path string, h handler[In, Out], o op) {
	add(t, http.MethodPatch, path, h, o)
}

func del[In, Out any](t *table, path string, h handler[In, Out], o op) {
	add(t, http.MethodDelete, path, h, o)
}

// add adds an operation to the table. A mistake is kept for the table's check.
func add[In, Out any](t *table, method, path string, h handler[In, Out], o op) {
	rt := route{
		Operation: Operation{ID: o.ID, Method: method, Path: path, Access: o.Access, Status: o.Status},
		other:     o.Else,
	}
	if out := reflect.TypeFor[Out](); out != reflect.TypeFor[none]() {
		rt.answer = t.registry.Schema(out, true, "")
		rt.Status = cmp.Or(rt.Status, http.StatusOK)
	}
	rt.Status = cmp.Or(rt.Status, http.StatusNoContent)

	decode := func(http.ResponseWriter, *http.Request, *In) error { return nil }
	if q, ok := any(new(In)).(queryInput); ok {
		rt.params = q.params()
		decode = func(_ http.ResponseWriter, r *http.Request, in *In) error {
			return decodeQuery(r, any(in).(queryInput))
		}
	} else if in := reflect.TypeFor[In](); in != reflect.TypeFor[none]() {
		rt.Body = true
		rt.body = t.registry.Schema(in, true, "")
		plan, err := planBody(in, t.registry.SchemaFromRef(rt.body.Ref))
		t.errs = append(t.errs, err)
		rt.noBody = plan.optional && method == http.MethodPost
		plan.optional = rt.noBody
		decode = func(w http.ResponseWriter, r *http.Request, in *In) error {
			return plan.decode(w, r, reflect.ValueOf(in).Elem())
		}
	}
	rt.Codes = allCodes(rt, o.Codes)
	rt.handler = serve(t.api, rt.Operation, decode, h)
	t.routes = append(t.routes, rt)
}

// serve is the order of things inside every operation: who asks, may they, what do they want, do it, answer.
func serve[In, Out any](a *API, o Operation, decode func(http.ResponseWriter, *http.Request, *In) error, h handler[In, Out]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		telemetry.FactsFrom(r.Context()).Route = o.Path
		ctx, err := a.admit(r, o.Access)
		var in In
		if err == nil {
			err = decode(w, r, &in)
		}
		var out Out
		if err == nil {
			out, err = h(ctx, in)
		}
		if err != nil {
			a.refuse(w, r.WithContext(ctx), o, err)
			return
		}
		a.answer(w, r, o, &out)
	}
}

// answer writes the answer that out points to in one piece.
func (a *API) answer(w http.ResponseWriter, r *http.Request, o Operation, out any) {
	status := o.Status
	if s, ok := out.(statusAnswer); ok {
		status = s.status()
	}
	if _, nothing := out.(*none); nothing {
		w.WriteHeader(status)
		return
	}
	text, err := json.Marshal(out, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		a.refuse(w, r, o, fmt.Errorf("marshal answer: %w", err))
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // fails only if the client is gone
	}
}

// allCodes completes an operation's own codes by those that follow from what it is.
func allCodes(rt route, own []hub.Code) []hub.Code {
	codes := slices.Concat(own, []hub.Code{hub.CodeInternalError})
	if strings.HasPrefix(rt.Path, prefix) {
		codes = append(codes, hub.CodeRateLimitExceeded, hub.CodeUnavailable)
	}
	if least := rt.Access.Least(); least >= hub.RoleGuest {
		codes = append(codes, hub.CodeUnauthenticated, hub.CodeTokenExpired, hub.CodeTokenInvalid)
		if least > hub.RoleGuest {
			codes = append(codes, hub.CodeForbidden)
		}
	}
	if rt.Body {
		codes = append(codes, hub.CodePayloadTooLarge, hub.CodeUnsupportedMediaType)
	}
	if rt.Body || rt.params != nil {
		codes = append(codes, hub.CodeMalformedRequest, hub.CodeValidationError)
	}
	var ordered []hub.Code
	for _, p := range hub.Problems() {
		if slices.Contains(codes, p.Code) {
			ordered = append(ordered, p.Code)
		}
	}
	return ordered
}

// check returns everything that is wrong with the table.
func (t *table) check() error {
	errs := t.errs
	ids := map[string]bool{}
	places := map[string]bool{}
	texts := descriptions()
	for _, rt := range t.routes {
		place := rt.Method + " " + rt.Path
		for _, c := range []struct {
			wrong bool
			what  string
		}{
			{rt.Access == unsetAccess || rt.Access > Admins, "says nothing of access"},
			{rt.ID == "" || ids[rt.ID], "has no id of its own"},
			{places[place], "is there twice"},
			{texts[rt.ID].Summary == "", "is not described"},
		} {
			if c.wrong {
				errs = append(errs, fmt.Errorf("operation %s %s", place, c.what))
			}
		}
		ids[rt.ID], places[place] = true, true
	}
	for id := range texts {
		if !ids[id] {
			errs = append(errs, fmt.Errorf("description of %q, which is no operation", id))
		}
	}
	return errors.Join(errs...)
}
