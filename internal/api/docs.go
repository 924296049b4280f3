package api

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/a64core/hub/internal/api/docsui"
)

// mountDocs serves the OpenAPI document and the pages that show it.
func (a *API) mountDocs(router chi.Router) error {
	text, err := a.OpenAPIJSON()
	if err != nil {
		return err
	}
	pages, err := docsui.Routes(openAPIPath)
	if err != nil {
		return fmt.Errorf("documentation pages: %w", err)
	}
	pages[openAPIPath] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
