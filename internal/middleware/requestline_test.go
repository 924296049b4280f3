package middleware

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/telemetry"
)

// logged returns what the chain around next logs for one request.
func logged(t *testing.T, next http.HandlerFunc, r *http.Request) (lines []map[string]any, answer *httptest.ResponseRecorder) {
	t.Helper()
	var text bytes.Buffer
	o := options()
	o.Log = slog.New(slog.NewJSONHandler(&text, nil))
	answer = httptest.NewRecorder()
	Chain(o, next).ServeHTTP(answer, r)
	dec := json.NewDecoder(&text)
	for {
		var line map[string]any
		err := dec.Decode(&line)
		if errors.Is(err, io.EOF) {
			return lines, answer
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

func TestR29_OneLineARequest(t *testing.T) { // HDR-12, RTL-20
	t.Parallel()
	r := httptest.NewRequest("GET", "/api/v1/users/17?token=CANARY", nil)
	r.Header.Set("Authorization", "Bearer CANARY")
	r.Header.Set("Referer", "https://front.example.com/?token=CANARY")
	lines, _ := logged(t, func(w http.ResponseWriter, r *http.Request) {
		telemetry.FactsFrom(r.Context()).Route = "/api/v1/users/{userId}"
		telemetry.FactsFrom(r.Context()).UserID = "17"
		problem.Write(w, r, hub.NewError(hub.CodeForbidden).Because(errors.New("rank too low")))
	}, r)
	if len(lines) != 1 {
		t.Fatalf("%d lines, want 1: %v", len(lines), lines)
	}
	got := lines[0]
	if d, ok := got["duration"].(float64); !ok || d <= 0 {
		t.Errorf("duration %v", got["duration"])
	}
	if n, ok := got["bytes"].(float64); !ok || n < 100 {
		t.Errorf("bytes %v", got["bytes"])
	}
	for _, name := range []string{"time", "duration", "bytes"} {
		delete(got, name)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "route": "/api/v1/users/{userId}", "status": 403.0, "ip": "192.0.2.1",
		"user_id": "17", "code": "FORBIDDEN", "error": "rank too low",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoRouteIsLoggedCutAndEncoded(t *testing.T) {
	t.Parallel()
	lines, _ := logged(t, problem.NotFound, httptest.NewRequest("GET", "/%0aforged%1b"+strings.Repeat("a", 10_000)+"?CANARY", nil))
	path, _ := lines[0]["path"].(string)
	if len(lines) != 1 || len(path) != 200 || !strings.HasPrefix(path, "/%0aforged%1baaa") {
		t.Errorf("%d lines, path %q", len(lines), path)
	}
}

func TestR28_APanicIsA500LikeAnyOther(t *testing.T) {
	t.Parallel()
	lines, answer := logged(t, func(http.ResponseWriter, *http.Request) { panic("CANARY") }, httptest.NewRequest("GET", "/api/v1/x", nil))
	var p struct{ Code, RequestID string }
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if answer.Code != 500 || p.Code != "INTERNAL_ERROR" || p.RequestID != answer.Header().Get("X-Request-Id") {
		t.Errorf("%d %+v", answer.Code, p)
	}
	if strings.Contains(answer.Body.String(), "CANARY") || strings.Contains(answer.Body.String(), "goroutine") {
		t.Errorf("the answer tells of the inside: %s", answer.Body)
	}
	if len(lines) != 2 || lines[0]["msg"] != "panic" || lines[1]["msg"] != "request" || lines[1]["status"] != 500.0 || lines[1]["level"] != "ERROR" {
		t.Fatalf("lines: %v", lines)
	}
	if stack, _ := lines[0]["stack"].(string); !strings.Contains(stack, "requestline_test.go") {
		t.Errorf("the stack does not lead here: %s", stack)
	}
}

func TestAPanicBehindHalfAnAnswerDropsTheConnection(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"late", http.ErrAbortHandler} {
		s := httptest.NewServer(Chain(options(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, err := io.WriteString(w, "half")
			if err == nil {
				err = http.NewResponseController(w).Flush()
			}
			if err != nil {
				t.Error(err)
			}
			panic(v)
		})))
		resp, err := http.Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err == nil || string(text) != "half" {
			t.Errorf("panic(%v): read %q, %v; want half an answer and an error", v, text, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}

func TestRecorderNotesWhatIsAnswered(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		write  func(http.ResponseWriter)
		status int
		bytes  int64
	}{
		{"a status", func(w http.ResponseWriter) { w.WriteHeader(204) }, 204, 0},
		{"no status but text", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "four") }, 200, 4},
		{"the first status counts", func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(500) }, 404, 0},
		{"an interim one does not", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(201) }, 201, 0},
		{"text in parts", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "fo"); _, _ = io.WriteString(w, "ur") }, 200, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{ResponseWriter: httptest.NewRecorder()}
			tt.write(rec)
			if rec.status != tt.status || rec.bytes != tt.bytes {
				t.Errorf("status %d, %d bytes; want %d, %d", rec.status, rec.bytes, tt.status, tt.bytes)
			}
		})
	}
}

func TestResponseControllerReachesTheConnectionThroughTheChain(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(Chain(options(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetWriteDeadline(time.Now().Add(time.Minute)), c.SetReadDeadline(time.Now().Add(time.Minute)), c.Flush()); err != nil {
			t.Error(err)
		}
	})))
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheLineAtTheEdges(t *testing.T) {
	t.Parallel()
	var none []int
	tests := []struct {
		name   string
		next   http.HandlerFunc
		method string
		want   map[string]any // of the last line
	}{
		{"a handler that says nothing", func(http.ResponseWriter, *http.Request) {}, "GET", map[string]any{"status": 200.0, "level": "INFO"}},
		{"a client that hung up is no failure of ours", func(w http.ResponseWriter, r *http.Request) {
			problem.Write(w, r, fmt.Errorf("read user: %w", context.Canceled))
		}, "GET", map[string]any{"status": 503.0, "level": "INFO"}},
		{"the runtime says what went wrong", func(http.ResponseWriter, *http.Request) { none[3] = 1 }, "GET", map[string]any{
			"level": "ERROR", "error": "panic: runtime error: index out of range [3] with length 0",
		}},
		{"a long method is cut", func(http.ResponseWriter, *http.Request) {}, strings.Repeat("A", 10_000), map[string]any{"method": strings.Repeat("A", 16)}},
	}
	for _, tt := range tests {
		lines, _ := logged(t, tt.next, httptest.NewRequest(tt.method, "/", nil))
		last := lines[len(lines)-1]
		for name, value := range tt.want {
			if last[name] != value {
				t.Errorf("%s: %s is %v, want %v", tt.name, name, last[name], value)
			}
		}
	}
}
