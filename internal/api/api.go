package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/a64core/hub/internal/auth"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/users"
)

// API is the hub's operations. All fields but DocsEnabled are required to serve; Name and Version are enough to describe.
type API struct {
	Auth  *auth.Service
	Users *users.Service

	Name    string
	Version string
	Now     func() time.Time

	// Ready says how the hub is, and of each dependency whether it is "healthy", "degraded" or "unhealthy". Anybody may
	// ask, as often as they like: it must be cheap.
	Ready func(context.Context) (Status, map[string]string)
	// Denied hears of every request that was answered FORBIDDEN, with the operation as "GET /api/v1/users/{userId}". The
	// actor is in the context.
	Denied func(ctx context.Context, route string)

	DocsEnabled bool // serve the OpenAPI document and its pages
	Log         *slog.Logger
}

// Handler returns what serves the operations. It fails if an operation is not complete, above all if it does not say who
// may call it.
//
// Paths are exact: nothing is cleaned, decoded or redirected. HEAD works where GET does.
func (a *API) Handler() (http.Handler, error) {
	t := a.routes()
	if err := t.check(); err != nil {
		return nil, err
	}
	router := t.router()
	if a.DocsEnabled {
		if err := a.mountDocs(router); err != nil {
			return nil, err
		}
	}
	return router, nil
}

// router serves the table's operations and nothing else.
func (t *table) router() *chi.Mux {
	router := chi.NewRouter()
	router.Use(refuseEmptySegments)
	for _, rt := range t.routes {
		router.Method(rt.Method, rt.Path, rt.handler)
		if rt.Method == http.MethodGet {
			router.Method(http.MethodHead, rt.Path, rt.handler)
		}
	}
	router.NotFound(problem.NotFound)
	router.MethodNotAllowed(methodNotAllowed(router))
	return router
}

// refuseEmptySegments keeps the router from taking the nothing in "/users//sessions" for an id.
func refuseEmptySegments(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "//") {
			problem.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Operations lists every operation, for tests that walk all of them and for the documentation.
func (a *API) Operations() []Operation {
	t := a.routes()
	operations := make([]Operation, len(t.routes))
	for i, rt := range t.routes {
		operations[i] = rt.Operation
	}
	return operations
}

// methodNotAllowed answers a method that the path does not have, and names those it has.
func methodNotAllowed(router chi.Routes) http.HandlerFunc {
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete}
	return func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if r.URL.RawPath != "" { // as the router chose
			path = r.URL.RawPath
		}
		var allow []string
		for _, m := range methods {
			if router.Match(chi.NewRouteContext(), m, path) {
				allow = append(allow, m)
			}
		}
		if allow == nil { // a method that the router has never heard of, on a path that is not there
			problem.NotFound(w, r)
			return
		}
		problem.MethodNotAllowed(allow).ServeHTTP(w, r)
	}
}
