package app

import (
	"context"
	"log/slog"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/telemetry/otlp"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// openTraces returns what sends spans and what begins them, or neither without OTEL_EXPORTER_OTLP_ENDPOINT.
func openTraces(ctx context.Context, c config.Config, version string, log *slog.Logger) (*otlp.Exporter, *tracing.Tracer, error) {
	if c.OTLPEndpoint == nil {
		return nil, nil, nil
	}
	exporter, err := otlp.Open(ctx, otlp.Config{
		Endpoint: c.OTLPEndpoint, Headers: c.OTLPHeaders, Ratio: c.TraceRatio, Log: log,
		Service: otlp.Service{Name: c.OTELServiceName, Version: version, Instance: hub.NewID(), Environment: string(c.Environment)},
	})
	if err != nil {
		return nil, nil, err
	}
	return exporter, tracing.New(exporter.Provider()), nil
}

// databaseOpener returns what opens a database, watched if there are traces. Of two, each has spans of its own.
func databaseOpener(tracer *tracing.Tracer) openDatabase {
	if tracer == nil {
		return OpenDatabase
	}
	return func(ctx context.Context, c config.Config, engine config.Database, marks bool) (hub.Database, error) {
		db, err := OpenDatabase(ctx, c, engine, marks)
		if err != nil {
			return nil, err
		}
		return tracing.Database(db, string(engine)), nil
	}
}

// closeTraces sends the spans that are left.
func closeTraces(exporter *otlp.Exporter) {
	if exporter != nil {
		exporter.Close()
	}
}
