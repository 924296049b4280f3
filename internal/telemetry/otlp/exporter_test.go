package otlp

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/otlp/otlptest"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// logText collects what is logged.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// open opens an Exporter that keeps everything.
func open(t testing.TB, endpoint string) (*Exporter, *logText) {
	t.Helper()
	return openAt(t, endpoint, 1)
}

// openAt opens an Exporter that keeps a part.
func openAt(t testing.TB, endpoint string, ratio float64) (*Exporter, *logText) {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	log := new(logText)
	e, err := Open(t.Context(), Config{
		Endpoint: u, Ratio: ratio, Log: slog.New(slog.NewTextHandler(log, nil)),
		Headers: map[string]hub.Secret{"Api-Key": hub.NewSecret("ours")}, Service: Service{Name: "ours"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, log
}

// send makes spans and has them sent.
func send(t *testing.T, e *Exporter, spans int) {
	t.Helper()
	for range spans {
		_, s := e.Provider().Tracer("test").Start(t.Context(), "step", trace.WithNewRoot())
		s.End()
	}
	if err := e.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestTheEnvironmentDecidesNothingButAddsAttributes is not parallel, because the environment is everybody's.
func TestTheEnvironmentDecidesNothingButAddsAttributes(t *testing.T) {
	theirs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("spans went where the environment says") }))
	defer theirs.Close()
	for name, value := range map[string]string{
		"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_SAMPLER": "always_off", "OTEL_TRACES_EXPORTER": "none",
		"OTEL_SERVICE_NAME": "theirs", "OTEL_RESOURCE_ATTRIBUTES": "service.name=theirs,added=1",
		"OTEL_SPAN_EVENT_COUNT_LIMIT": "0", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
		"OTEL_BSP_MAX_QUEUE_SIZE": "1", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
		"OTEL_EXPORTER_OTLP_ENDPOINT": theirs.URL, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": theirs.URL + "/theirs",
		"OTEL_EXPORTER_OTLP_HEADERS": "theirs=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=theirs,theirs=1",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none", "OTEL_EXPORTER_OTLP_INSECURE": "false",
		"OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such/file", "OTEL_EXPORTER_OTLP_TIMEOUT": "1", "HTTP_PROXY": theirs.URL,
	} {
		t.Setenv(name, value)
	}
	c := otlptest.Start(t)
	e, log := open(t, c.URL+"/")
	send(t, e, 3)
	if len(c.Spans()) != 3 || c.About()["service.name"] != "ours" || c.About()["added"] != "1" {
		t.Errorf("%d spans of %v; log: %s", len(c.Spans()), c.About(), log)
	}
	if h := c.Header(); h.Get("Api-Key") != "ours" || h.Get("Theirs") != "" || h.Get("Content-Encoding") != "gzip" {
		t.Errorf("sent with %v", h)
	}
}

func TestLossIsSaidOnceAndItsEndWithHowMany(t *testing.T) {
	t.Parallel()
	c := otlptest.Start(t)
	e, log := open(t, c.URL)
	c.Refuse(http.StatusForbidden)
	for range 3 {
		send(t, e, 2)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg="spans are being lost" reason=`) || !strings.Contains(got, "403") {
		t.Errorf("while the collector refuses, the log says\n%s", got)
	}
	c.Refuse(0)
	for range 3 {
		send(t, e, 1)
	}
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, `level=INFO msg="spans arrive again" lost=6`+"\n") {
		t.Errorf("after that the log says\n%s", got)
	}
	if n := len(c.Spans()); n != 3 {
		t.Errorf("%d spans arrived, want the last 3", n)
	}
}

// TestASlowCollectorHasSpansDropped has the collector hold the first batch while more spans end than may wait.
func TestASlowCollectorHasSpansDropped(t *testing.T) {
	t.Parallel()
	held, release := make(chan struct{}, 100), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		held <- struct{}{}
		<-release
	}))
	defer slow.Close()
	e, log := open(t, slow.URL)
	tracer := e.Provider().Tracer("test")
	for range maxBatch {
		_, s := tracer.Start(t.Context(), "step")
		s.End()
	}
	<-held
	for range maxWaiting { // of which those in the first batch take the place of as many
		_, s := tracer.Start(t.Context(), "step")
		s.End()
	}
	if n := e.delivery.waiting.Load(); n != maxWaiting {
		t.Errorf("%d spans wait, want %d", n, maxWaiting)
	}
	close(release)
	if err := e.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, e, 1)
	if got := log.String(); !strings.Contains(got, `reason="the collector is slower than they come"`) || !strings.Contains(got, "lost=512\n") {
		t.Errorf("the log says\n%s", got)
	}
}

// BenchmarkRequestNotKept measures what traces cost a request that was not drawn: 99 of 100 by default.
func BenchmarkRequestNotKept(b *testing.B) {
	e, _ := openAt(b, otlptest.Start(b).URL, 0)
	tracer := tracing.New(e.Provider())
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/auth/me", http.NoBody)
	b.ReportAllocs()
	for b.Loop() {
		ctx, request := tracer.Request(r, false)
		if tracing.ID(ctx) == "" { // as the log does
			b.Fatal("no id")
		}
		request.End(tracing.Answer{Method: r.Method, Route: r.URL.Path, Status: http.StatusOK})
	}
}
