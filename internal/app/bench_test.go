package app_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/telemetry/otlp/otlptest"
)

// BenchmarkMe measures what the hub adds to net/http for an authenticated request: middleware, authentication from the
// live cache, the answer and its log line; and what telemetry adds to that.
func BenchmarkMe(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchmarkMe(b, nil) })
	b.Run("metrics", func(b *testing.B) { benchmarkMe(b, hubtest.Settings{"METRICS_ADDR": "127.0.0.1:0"}) })
	b.Run("traces", func(b *testing.B) { // at the default of 1 %
		benchmarkMe(b, hubtest.Settings{"OTEL_EXPORTER_OTLP_ENDPOINT": otlptest.Start(b).URL})
	})
}

func benchmarkMe(b *testing.B, settings hubtest.Settings) {
	h := hubtest.Start(b, settings)
	p := h.SignUp(b, hub.RoleUser)
	r := httptest.NewRequest(http.MethodGet, "/api/v1/auth/me", nil)
	r.Header.Set("Authorization", "Bearer "+p.AccessToken)
	w := &discard{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.App.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

// discard is an answer that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
