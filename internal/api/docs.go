package api

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/a64core/hub/internal/api/docsui"
	"github.com/a64core/hub/internal/problem"
)

// mountDocs serves the OpenAPI document and the pages that show it. The document is made when it is first asked for: most
// hubs never are, and it would be a third of the work of starting.
func (a *API) mountDocs(router chi.Router) error {
	document := sync.OnceValues(a.OpenAPIJSON)
	pages, err := docsui.Routes(openAPIPath)
	if err != nil {
		return fmt.Errorf("documentation pages: %w", err)
	}
	pages[openAPIPath] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := document()
		if err != nil {
			problem.Write(w, r, fmt.Errorf("OpenAPI document: %w", err))
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(text) // fails only if the client is gone
		}
	})
	for path, handler := range pages {
		router.Method(http.MethodGet, path, handler)
		router.Method(http.MethodHead, path, handler)
	}
	return nil
}
