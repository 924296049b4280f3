package middleware

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
)

// options returns options that limit nobody, allow the pages of one origin, and log nothing.
func options() Options {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Options{
		AllowedOrigins: []string{"https://app.example.com"},
		Identify:       func(*http.Request) (string, hub.Role, bool) { return "", 0, false },
		Limiter:        ratelimit.NewMemory(0),
		Log:            slog.New(slog.DiscardHandler),
		Now:            func() time.Time { return now },
	}
}

// ask sends a request from 192.0.2.1 with the headers, given by name and value in turn.
func ask(h http.Handler, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func TestR27_EveryAnswerCarriesTheSecurityHeaders(t *testing.T) { // HDR-05
	t.Parallel()
	o := options()
	o.Limits = map[hub.Role]int{hub.RoleGuest: 4}
	h := Chain(o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/panic" {
			panic("odd input")
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	answers := []struct {
		name   string
		answer *http.Response
		want   int
	}{
		{"what the operation says", ask(h, "GET", "/api/v1/x"), 418},
		{"a panic", ask(h, "GET", "/api/v1/panic"), 500},
		{"a method of nobody", ask(h, "TRACE", "/api/v1/x"), 405},
		{"a preflight", ask(h, "OPTIONS", "/api/v1/x", "Origin", "https://app.example.com", "Access-Control-Request-Method", "GET"), 204},
		{"a foreign preflight", ask(h, "OPTIONS", "/api/v1/x", "Origin", "https://evil.example", "Access-Control-Request-Method", "GET"), 204},
		{"the edge of the prefix", ask(h, "GET", "/api/v1"), 418},
		{"an encoded prefix", ask(h, "GET", "/api/%761/x"), 418},
		{"over the limit", ask(h, "GET", "/api/v1/x"), 429},
	}
	for _, a := range answers {
		if a.answer.StatusCode != a.want {
			t.Errorf("%s: status %d, want %d", a.name, a.answer.StatusCode, a.want)
		}
		want := map[string]string{
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			"Strict-Transport-Security": "", "Server": "", "X-Powered-By": "",
		}
		got := map[string]string{}
		for name := range want {
			got[name] = strings.Join(a.answer.Header[name], "|")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", a.name, diff)
		}
		if a.answer.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", a.name)
		}
	}
}

func TestHSTSOnlyOverTLSAndNoStoreOnlyOnTheAPI(t *testing.T) {
	t.Parallel()
	o := options()
	o.TLS = true
	h := Chain(o, http.HandlerFunc(ok))
	for _, path := range []string{"/", "/api/health", "/api/docs", "/api/v1x"} {
		header := ask(h, "GET", path).Header
		if header.Get("Strict-Transport-Security") != hsts || header.Get("Cache-Control") != "" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestOneAnswersHeadersAreNotAnothers(t *testing.T) {
	t.Parallel()
	h := Chain(options(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/docs" {
			w.Header().Set("Content-Security-Policy", "script-src 'self'")
			w.Header().Add("X-Frame-Options", "more")
		}
	}))
	ask(h, "GET", "/docs")
	header := ask(h, "GET", "/").Header
	if header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" || len(header["X-Frame-Options"]) != 1 {
		t.Errorf("headers of an earlier answer: %v", header)
	}
}

func TestHTT11_MethodsThatNothingServes(t *testing.T) {
	t.Parallel()
	reached := 0
	h := Chain(options(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	for _, method := range []string{"TRACE", "CONNECT", "PROPFIND", "FOO", "get"} {
		a := ask(h, method, "/api/v1/auth/me", "Authorization", "Bearer secret-token")
		body, err := io.ReadAll(a.Body)
		if a.StatusCode != 405 || !strings.Contains(a.Header.Get("Allow"), "GET, HEAD, POST") || err != nil {
			t.Errorf("%s: %d, Allow %q, %v", method, a.StatusCode, a.Header.Get("Allow"), err)
		}
		if bytes.Contains(body, []byte("secret-token")) {
			t.Errorf("%s echoes the token", method)
		}
	}
	if reached != 0 {
		t.Errorf("%d reached the operations", reached)
	}
}

func TestDeadlineEndsTheWorkNotTheAnswer(t *testing.T) {
	t.Parallel()
	o := options()
	o.Timeout = time.Millisecond
	var cause error
	Chain(o, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		cause = context.Cause(r.Context())
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if !errors.Is(cause, hub.ErrUnavailable) {
		t.Errorf("cause is %v, want ErrUnavailable", cause)
	}
}
