package api

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
)

// mountDocs serves the OpenAPI document.
func (a *API) mountDocs(router chi.Router) error {
	text, err := a.OpenAPIJSON()
	if err != nil {
		return err
	}
	document := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(text)
		}
	}
	router.Get(openAPIPath, document)
	router.Head(openAPIPath, document)
	return nil
}
