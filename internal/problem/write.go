package problem

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry"
)

// ContentType is the media type of every problem.
const ContentType = "application/problem+json"

// Write answers r with the problem that err stands for. Its code and what the answer does not tell go to the facts of the
// request. The timestamp is the machine's own: nothing is decided by it.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	e := classify(err)
	d := document(r.Context(), e, r.URL.EscapedPath(), time.Now())
	facts := telemetry.FactsFrom(r.Context())
	facts.Code, facts.Err = string(d.Code), e.Cause

	body, err := json.Marshal(d)
	if err != nil { // cannot be: the document holds strings and a number
		facts.Err = fmt.Errorf("marshal problem: %w", err)
	}
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified"} { // of the answer that was not given
		h.Del(name)
	}
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store") // RFC 6585, sections 3 to 6
	switch d.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", challenge(r, d.Code))
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.FormatInt(Seconds(e.RetryAfter), 10))
	}
	w.WriteHeader(d.Status)
	_, _ = w.Write(body) // fails only if the client is gone
}

// Seconds returns d in whole seconds as Retry-After tells it: rounded up, so that it is never too early, and at least 1.
func Seconds(d time.Duration) int64 {
	whole := int64(d / time.Second)
	if d > time.Duration(whole)*time.Second {
		whole++
	}
	return max(1, whole)
}

// challenge returns the WWW-Authenticate of RFC 6750, section 3: the error is named only to those who sent a bearer token.
func challenge(r *http.Request, code hub.Code) string {
	bad := code == hub.CodeTokenExpired || code == hub.CodeTokenInvalid || code == hub.CodeTokenReused
	if bad && r.Header.Get("Authorization") != "" {
		return `Bearer error="invalid_token"`
	}
	return "Bearer"
}

// NotFound answers NOT_FOUND.
func NotFound(w http.ResponseWriter, r *http.Request) { Write(w, r, hub.NewError(hub.CodeNotFound)) }

// MethodNotAllowed returns a handler that answers METHOD_NOT_ALLOWED and names the methods that are served.
func MethodNotAllowed(allow []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		Write(w, r, hub.NewError(hub.CodeMethodNotAllowed))
	})
}
