package app_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/telemetry"
	"github.com/a64core/hub/internal/telemetry/otlp/otlptest"
)

// BenchmarkMe measures what the hub adds to net/http for an authenticated request: middleware, authentication from the
// live cache, the limit, the answer and its log line; and what telemetry adds to that.
func BenchmarkMe(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkMe(b, nil) })
	b.Run("metrics", func(b *testing.B) { benchmarkMe(b, hubtest.Settings{"METRICS_ADDR": "127.0.0.1:0"}) })
	b.Run("traces", func(b *testing.B) { // at the default of 1 %
		benchmarkMe(b, hubtest.Settings{"OTEL_EXPORTER_OTLP_ENDPOINT": otlptest.Start(b).URL})
	})
}

func benchmarkMe(b *testing.B, settings hubtest.Settings) {
	ask := newMe(b, settings)
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

// newMe wires a hub that limits, and logs as a server does, and returns what asks it who is signed in.
func newMe(t testing.TB, settings hubtest.Settings) (ask func()) {
	t.Helper()
	log, closer, err := telemetry.NewLogger(telemetry.LogConfig{JSON: true, Output: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	all := hubtest.Settings{
		"DATA_DIR": t.TempDir(), "SECRET_KEY": hubtest.SecretKey, "BCRYPT_COST": "4", "RATE_LIMIT_USER": "1000000",
	}
	maps.Copy(all, settings)
	c, err := config.Load(config.Source{Lookup: func(name string) (string, bool) {
		value, ok := all[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), c, app.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = a.Close() // nothing was asked of it that could be lost
		_ = closer.Close()
	})
	credentials := `"email":"ada@example.com","password":"` + hubtest.Password + `"`
	post(t, a, "/api/v1/auth/register", `{"firstName":"Ada","lastName":"Lovelace",`+credentials+`}`)
	var tokens hubtest.Tokens
	if err := json.Unmarshal(post(t, a, "/api/v1/auth/login", `{`+credentials+`}`), &tokens); err != nil {
		t.Fatal(err)
	}

	r := httptest.NewRequest(http.MethodGet, "/api/v1/auth/me", nil)
	r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	r.Header.Set("User-Agent", "curl/8.5.0")
	return func() {
		w := discard{header: make(http.Header)} // as net/http gives each request one
		a.ServeHTTP(&w, r)
		if w.status != http.StatusOK {
			t.Fatal(w.status)
		}
	}
}

func post(t testing.TB, h http.Handler, path, body string) (answer []byte) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= http.StatusBadRequest {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
