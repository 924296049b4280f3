package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/telemetry"
)

// begin gives a request its context, at once, because each new one costs a copy of the request: where it comes from and what it is
// called, which the answer tells too, and how long it may take. It counts every request, follows it by a span, and writes one line
// for it when it has been answered. Paths come without the query, and headers not at all: both may hold secrets (OWASP ASVS 16.2.5).
func begin(o Options) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now() // to measure a duration, which no stepped clock could
			ctx, endSpan := trace(o, w, r)
			from := origin(r, o.TrustedProxies)
			w.Header()["X-Request-Id"] = []string{from.RequestID}
			ctx, facts := telemetry.WithFacts(hub.WithOrigin(ctx, from))
			if o.Timeout > 0 {
				d := &deadline{Context: ctx, at: began.Add(o.Timeout)}
				defer d.end()
				ctx = d
			}
			answer := &recorder{ResponseWriter: w}
			if o.Meter != nil {
				o.Meter.Began()
			}
			defer func() { // also when the connection is being torn down by a panic
				took := time.Since(began)
				if o.Meter != nil {
					o.Meter.Answered(r.Method, facts.Route, answer.status, took)
				}
				logRequest(ctx, o.Log, r, answer, facts, took)
				endSpan(answer.status, facts)
			}()
			if o.Remember != nil {
				ctx = o.Remember(ctx, r.Header)
			}
			next.ServeHTTP(answer, r.WithContext(ctx))
			if answer.status == 0 { // net/http answers for handlers that say nothing
				answer.status = http.StatusOK
			}
		})
	}
}

func logRequest(ctx context.Context, log *slog.Logger, r *http.Request, answer *recorder, facts *telemetry.Facts, took time.Duration) {
	level := slog.LevelInfo
	if isFailure(answer.status, facts) {
		level = slog.LevelError
	}
	if !log.Enabled(ctx, level) {
		return
	}
	var room [10]slog.Attr
	attrs := append(room[:0],
		slog.String("method", cut(r.Method, maxLoggedMethod)),
		slog.String("route", facts.Route),
		slog.Int("status", answer.status),
		slog.Duration("duration", took),
		slog.Int64("bytes", answer.bytes),
		slog.String("ip", hub.OriginFrom(ctx).IP),
	)
	if facts.Route == "" {
		attrs[1] = slog.String("path", cut(r.URL.EscapedPath(), maxLoggedPath))
	}
	if facts.UserID != "" {
		attrs = append(attrs, slog.String("user_id", facts.UserID))
	}
	if facts.Code != "" {
		attrs = append(attrs, slog.String("code", facts.Code))
	}
	if facts.Err != nil {
		attrs = append(attrs, slog.String("error", facts.Err.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// isFailure reports whether a request failed by our fault. A client that hung up is none, whatever its answer would have been.
func isFailure(status int, facts *telemetry.Facts) bool {
	return status >= http.StatusInternalServerError && !errors.Is(facts.Err, context.Canceled)
}

// As much as is worth keeping of a path that is no route, and of a method that is none of ours.
const (
	maxLoggedPath   = 200
	maxLoggedMethod = 16
)

func cut(text string, length int) string { return text[:min(len(text), length)] }

// recoverer answers a panic as an error of ours, and logs where it came from.
func recoverer(o Options) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v) // asks net/http to drop the connection
				}
				o.Log.LogAttrs(r.Context(), slog.LevelError, "panic",
					slog.String("cause", panicText(v)), slog.String("stack", string(debug.Stack())))
				if answer, ok := w.(*recorder); ok && answer.status != 0 {
					panic(http.ErrAbortHandler) // half an answer is out: better none
				}
				problem.Write(w, r, errors.New("panic: "+panicText(v)))
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// panicText returns what the runtime says of a fault. Any other value might hold what a client sent: its type must do.
func panicText(v any) string {
	if fault, ok := v.(runtime.Error); ok {
		return fault.Error()
	}
	return fmt.Sprintf("%T", v)
}

// recorder notes what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements [http.ResponseWriter].
func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && status >= http.StatusOK {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
