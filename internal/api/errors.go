package api

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/telemetry"
)

// refuse answers an error. The form of the answer, and what of the error is shown, is decided by package problem; added
// here is where in the request the named fields stand.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, o Operation, err error) {
	ctx := r.Context()
	var e *hub.Error
	if errors.As(err, &e) {
		switch e.Code {
		case hub.CodeValidationError:
			err = locate(e)
		case hub.CodeForbidden:
			a.Denied(ctx, o.Method+" "+o.Path)
		case hub.CodePayloadTooLarge:
			w.Header().Set("Connection", "close") // rather than read on
		}
	}
	problem.Write(w, r, err)
	if code := hub.Code(telemetry.FactsFrom(ctx).Code); code != "" && !slices.Contains(o.Codes, code) {
		a.Log.LogAttrs(ctx, slog.LevelError, "answered a code that the document does not name",
			slog.String("operation", o.ID), slog.String("code", string(code)))
	}
}

// locate returns the error with its fields placed in the request: use cases and the decoder name a field of the body by its
// bare name, or nothing for the body itself.
func locate(e *hub.Error) *hub.Error {
	located := *e
	located.Fields = slices.Clone(e.Fields)
	for i := range located.Fields {
		switch at := &located.Fields[i].Location; {
		case *at == "":
			*at = "body"
		case !strings.HasPrefix(*at, "query."):
			*at = "body." + *at
		}
	}
	return &located
}
