package problem

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// Document is a problem as it stands on the wire.
type Document struct {
	Type      string   `json:"type"`
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	Instance  string   `json:"instance"` // path of the request, percent-encoded, without the query
	Code      hub.Code `json:"code"`
	RequestID string   `json:"requestId"`
	TraceID   string   `json:"traceId,omitempty"` // 32 hexadecimal digits; left out while traces are off
	Timestamp string   `json:"timestamp"`         // RFC 3339, UTC, milliseconds
	Errors    []Field  `json:"errors,omitempty"`
}

// Field says what is wrong with one value of the request.
type Field struct {
	Location string `json:"location"` // such as "body.email" or "query.page"
	Message  string `json:"message"`
}

// Status returns the HTTP status of a kind of error.
func Status(kind hub.Kind) int {
	switch kind {
	case hub.KindMalformed:
		return http.StatusBadRequest
	case hub.KindUnauthenticated:
		return http.StatusUnauthorized
	case hub.KindForbidden:
		return http.StatusForbidden
	case hub.KindNotFound:
		return http.StatusNotFound
	case hub.KindMethod:
		return http.StatusMethodNotAllowed
	case hub.KindConflict:
		return http.StatusConflict
	case hub.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case hub.KindUnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case hub.KindInvalid:
		return http.StatusUnprocessableEntity
	case hub.KindLimited:
		return http.StatusTooManyRequests
	case hub.KindUnavailable:
		return http.StatusServiceUnavailable
	case hub.KindInternal:
	}
	return http.StatusInternalServerError
}

// From returns the document that answers err: the request's id comes from ctx, its path is instance.
func From(ctx context.Context, err error, instance string, now time.Time) Document {
	return document(ctx, classify(err), instance, now)
}

func document(ctx context.Context, e *hub.Error, instance string, now time.Time) Document {
	d := Document{
		Type: typeOf(e.Code), Title: title(e.Code), Status: Status(e.Kind), Detail: e.Message,
		Instance: instance, Code: e.Code, RequestID: hub.OriginFrom(ctx).RequestID, TraceID: tracing.ID(ctx),
		Timestamp: hub.Timestamp(now),
	}
	for _, f := range e.Fields {
		d.Errors = append(d.Errors, Field(f))
	}
	return d
}

// unavailableFor is the wait that we ask for when nothing says how long a failure lasts.
const unavailableFor = 5 * time.Second

// classify returns what may be seen of err.
func classify(err error) *hub.Error {
	var e *hub.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e) && e.Kind != hub.KindInternal:
		return e
	case e != nil:
		return hub.NewError(hub.CodeInternalError).Because(err)
	case errors.As(err, &tooLarge):
		return hub.NewError(hub.CodePayloadTooLarge)
	case errors.Is(err, hub.ErrUnavailable), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, context.Canceled): // the client is gone, which is no fault of ours
		return hub.NewError(hub.CodeUnavailable).After(unavailableFor).Because(err)
	default:
		return hub.NewError(hub.CodeInternalError).Because(err)
	}
}

// typeOf returns the URN of a code.
func typeOf(code hub.Code) string {
	return "urn:a64core:problem:" + strings.ToLower(strings.ReplaceAll(string(code), "_", "-"))
}

// title returns the code in words: "Token expired".
func title(code hub.Code) string {
	words := strings.ReplaceAll(string(code), "_", " ")
	return words[:min(1, len(words))] + strings.ToLower(words[min(1, len(words)):])
}
