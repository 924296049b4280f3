package otlp

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// delivery is an exporter of spans that answers for what becomes of them: it counts those on their way, and says in the log
// what the SDK would only tell its global handler.
type delivery struct {
	sdktrace.SpanExporter
	log *slog.Logger

	waiting atomic.Int64 // spans that ended and were neither delivered nor lost yet
	dropped atomic.Int64 // spans that found no room since the last batch
	lost    int64        // since the log said that some are; used by ExportSpans alone, which never runs twice at a time
}

// entrance takes spans that end, as far as there is room. The SDK would drop the others as well, but count them in secret.
type entrance struct {
	sdktrace.SpanProcessor
	delivery *delivery
}

// OnEnd implements [sdktrace.SpanProcessor].
func (e entrance) OnEnd(s sdktrace.ReadOnlySpan) {
	if e.delivery.waiting.Add(1) > maxWaiting {
		e.delivery.waiting.Add(-1)
		e.delivery.dropped.Add(1)
		return
	}
	e.SpanProcessor.OnEnd(s)
}

// ExportSpans implements [sdktrace.SpanExporter]. It answers for every failure itself, and so returns none.
func (d *delivery) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := d.SpanExporter.ExportSpans(ctx, spans)
	d.waiting.Add(-int64(len(spans)))
	lost := d.dropped.Swap(0)
	if err != nil {
		lost += int64(len(spans))
	}
	switch {
	case lost > 0 && d.lost == 0:
		d.log.LogAttrs(ctx, slog.LevelWarn, "spans are being lost", slog.String("reason", reason(err)))
	case lost == 0 && d.lost > 0:
		d.log.LogAttrs(ctx, slog.LevelInfo, "spans arrive again", slog.Int64("lost", d.lost))
		d.lost = 0
	}
	d.lost += lost
	return nil
}

// maxReason is as much of an error as is logged: it may repeat a page that some server answered.
const maxReason = 300 // bytes

// reason says why spans are lost.
func reason(err error) string {
	if err == nil {
		return "the collector is slower than they come"
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
