package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/DeRuina/timberjack"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// LevelCritical is the level of failures of the system as a whole.
const LevelCritical = slog.LevelError + 4

// ParseLevel returns the level of that name in any case: DEBUG, INFO, WARNING, ERROR or CRITICAL.
func ParseLevel(name string) (slog.Level, bool) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, LevelCritical} {
		if strings.EqualFold(name, levelName(level)) {
			return level, true
		}
	}
	return 0, false
}

func levelName(level slog.Level) string {
	switch {
	case level >= LevelCritical:
		return "CRITICAL"
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARNING"
	case level >= slog.LevelInfo:
		return "INFO"
	default:
		return "DEBUG"
	}
}

// LogConfig says what is logged, how and where to.
type LogConfig struct {
	Level  slog.Leveler // least level logged; nil: INFO
	JSON   bool         // one JSON object a line, for machines; else logfmt, for people
	File   string       // path; empty: Output
	Output io.Writer    // where lines go without a File
}

// Log files: the present one and two former ones of 10 MB each.
const (
	logFileMegabytes = 10
	logFileBackups   = 2
	logFileMode      = 0o640
)

// NewLogger returns a logger and what flushes and ends it. Times are in UTC with milliseconds. Control characters are
// escaped, so that no value can pretend to be a line of its own or steer a terminal (ASVS 16.4.1). A line that belongs
// to a request carries its request_id, and one that belongs to a trace its trace_id. Logging never waits: see [lineWriter].
func NewLogger(c LogConfig) (*slog.Logger, io.Closer, error) {
	sink, closeSink := c.Output, func() error { return nil }
	if c.File != "" {
		file, err := openLogFile(c.File)
		if err != nil {
			return nil, nil, fmt.Errorf("open log file: %w", err)
		}
		sink, closeSink = file, file.Close
	}
	w := newLineWriter(sink, closeSink, func(lines int64) []byte {
		var b bytes.Buffer
		slog.New(newHandler(&b, c)).Warn("log lines dropped: the log could not be written", "lines", lines)
		return b.Bytes()
	})
	return slog.New(requestHandler{newHandler(w, c)}), w, nil
}

// openLogFile opens the file once at start, because the rotating writer would do so only at the first line.
func openLogFile(path string) (io.WriteCloser, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, logFileMode)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return &timberjack.Logger{
		Filename: path, MaxSize: logFileMegabytes, MaxBackups: logFileBackups, FileMode: logFileMode,
	}, nil
}

func newHandler(w io.Writer, c LogConfig) slog.Handler {
	options := &slog.HandlerOptions{Level: c.Level, ReplaceAttr: nameLevelAndTime}
	if c.JSON {
		return slog.NewJSONHandler(escapeWriter{w}, options)
	}
	return slog.NewTextHandler(escapeWriter{w}, options)
}

func nameLevelAndTime(groups []string, a slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
		a.Value = slog.StringValue(hub.Timestamp(a.Value.Time()))
	case a.Key == slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(levelName(level))
		}
	}
	return a
}

// requestHandler adds the ids of request and trace that the context carries.
type requestHandler struct{ slog.Handler }

func (h requestHandler) Handle(ctx context.Context, r slog.Record) error {
	var room [2]slog.Attr
	ids := room[:0]
	if id := hub.OriginFrom(ctx).RequestID; id != "" {
		ids = append(ids, slog.String("request_id", id))
	}
	if id := tracing.ID(ctx); id != "" {
		ids = append(ids, slog.String("trace_id", id))
	}
	if len(ids) > 0 {
		r = r.Clone()
		r.AddAttrs(ids...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h requestHandler) WithGroup(name string) slog.Handler {
	return requestHandler{h.Handler.WithGroup(name)}
}
