package otlp

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/a64core/hub"
)

// Config says where spans go and which traces are kept.
type Config struct {
	Endpoint *url.URL              // of the collector; /v1/traces is appended
	Headers  map[string]hub.Secret // of every request to it
	Service  Service
	Ratio    float64 // of the traces that begin here, from 0 to 1; those that a caller began are kept as the caller says
	Log      *slog.Logger
}

// Service says whose spans they are.
type Service struct{ Name, Version, Instance, Environment string }

const (
	maxWaiting    = 4096             // spans
	maxBatch      = 512              // spans of one request
	batchTimeout  = 5 * time.Second  // after which a batch goes that is not full
	exportTimeout = 30 * time.Second // for a batch, tried again if the collector asks for that
	flushTimeout  = 3 * time.Second  // for what is left at the end
)

// Exporter sends spans from a goroutine of its own. At most 4096 wait; further ones are dropped, and so are those of a batch
// that could not be delivered. The log says once that spans are being lost, and how many when that has ended.
type Exporter struct {
	provider  *sdktrace.TracerProvider
	delivery  *delivery
	transport *http.Transport
}

// Open returns an Exporter, without connecting. The caller closes it.
func Open(ctx context.Context, c Config) (*Exporter, error) {
	transport := &http.Transport{ // which goes straight to the collector, not by a proxy that happens to stand in the environment
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true, TLSHandshakeTimeout: sendTimeout, IdleConnTimeout: time.Minute,
	}
	wire, err := otlptrace.New(ctx, newClient(c, transport))
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	described, err := describe(ctx, c.Service)
	if err != nil {
		return nil, fmt.Errorf("describe the service: %w", err)
	}
	d := &delivery{SpanExporter: wire, log: c.Log}
	batches := sdktrace.NewBatchSpanProcessor(d,
		sdktrace.WithMaxQueueSize(maxWaiting), sdktrace.WithMaxExportBatchSize(maxBatch),
		sdktrace.WithBatchTimeout(batchTimeout), sdktrace.WithExportTimeout(exportTimeout))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Ratio))),
		sdktrace.WithResource(described),
		sdktrace.WithRawSpanLimits(limits()),
		sdktrace.WithSpanProcessor(entrance{batches, d}),
	)
	return &Exporter{provider: provider, delivery: d, transport: transport}, nil
}

// describe returns what is said once for all spans. The SDK adds what OTEL_RESOURCE_ATTRIBUTES says besides.
func describe(ctx context.Context, s Service) (*resource.Resource, error) {
	return resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName(s.Name), semconv.ServiceVersion(s.Version), semconv.ServiceInstanceID(s.Instance),
		semconv.DeploymentEnvironmentNameKey.String(s.Environment),
	))
}

// limits are far above what our spans hold.
func limits() sdktrace.SpanLimits {
	return sdktrace.SpanLimits{
		AttributeValueLengthLimit: 256, AttributeCountLimit: 32, EventCountLimit: 32, LinkCountLimit: 8,
		AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 8,
	}
}

// Provider makes spans that the Exporter sends.
func (e *Exporter) Provider() trace.TracerProvider { return e.provider }

// Close sends what is waiting, for three seconds at most, and ends. Spans that end later are dropped.
func (e *Exporter) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := e.provider.Shutdown(ctx); err != nil {
		_ = e.delivery.Shutdown(context.Background()) // interrupts what is on its way
		e.delivery.log.LogAttrs(ctx, slog.LevelWarn, "the collector did not take the last spans in time",
			slog.Int64("lost", e.delivery.waiting.Load()))
	}
	e.transport.CloseIdleConnections()
}
