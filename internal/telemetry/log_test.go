package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"go.opentelemetry.io/otel/trace"

	"github.com/a64core/hub"
)

// logged returns what c's logger wrote once use has used it.
func logged(t *testing.T, c LogConfig, use func(*slog.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	c.Output = &out
	log, closer, err := NewLogger(c)
	if err != nil {
		t.Fatal(err)
	}
	use(log)
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLineForm(t *testing.T) {
	t.Parallel()
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	tests := []struct {
		name string
		json bool
		want string
	}{
		{"text", false, `^time=` + at + ` level=WARNING msg="slow answer" ms=12 request_id=r-1\n$`},
		{"JSON", true, `^{"time":"` + at + `","level":"WARNING","msg":"slow answer","ms":12,"request_id":"r-1"}\n$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx := hub.WithOrigin(t.Context(), hub.Origin{RequestID: "r-1"})
			got := logged(t, LogConfig{JSON: tt.json}, func(log *slog.Logger) {
				log.With("ms", 12).WarnContext(ctx, "slow answer")
				log.DebugContext(ctx, "below the level")
			})
			if !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("got %q, want a match of %s", got, tt.want)
			}
		})
	}
}

func TestALineOfATraceTellsIt(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceID, err := trace.TraceIDFromHex(id)
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: trace.SpanID{1}}))
	ctx = hub.WithOrigin(ctx, hub.Origin{RequestID: "r-1"})
	got := logged(t, LogConfig{}, func(log *slog.Logger) { log.InfoContext(ctx, "request") })
	if !strings.HasSuffix(got, " msg=request request_id=r-1 trace_id="+id+"\n") {
		t.Errorf("got %q", got)
	}
}

func TestParseLevelKnowsTheNamesItWrites(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} {
		level, ok := ParseLevel(strings.ToLower(name))
		if !ok || levelName(level) != name {
			t.Errorf("ParseLevel(%s) = %v, %v", name, level, ok)
		}
		got := logged(t, LogConfig{Level: level}, func(log *slog.Logger) {
			log.Log(t.Context(), level-1, "below")
			log.Log(t.Context(), level, "at")
		})
		if !strings.Contains(got, "level="+name+" msg=at") || strings.Contains(got, "below") {
			t.Errorf("at level %s logged %q", name, got)
		}
	}
	if _, ok := ParseLevel("verbose"); ok {
		t.Error("ParseLevel took an unknown name")
	}
}

// hostile holds what forges lines or steers terminals: line ends of every sort, escape sequences, DEL, C1 controls,
// reversed text, a tag character beyond 16 bits, and invalid UTF-8.
const hostile = "a\nlevel=ERROR msg=forged\r\v\f\x00\x1b[2J\x7f\u0085\u009b31m\u2028\u2029\u202e\u2066\U000e0041\xff\"}"

func TestNoValueForgesALineOrSteersATerminal(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		got := logged(t, LogConfig{JSON: asJSON}, func(log *slog.Logger) {
			ctx := hub.WithOrigin(t.Context(), hub.Origin{RequestID: hostile})
			log.With(hostile, hostile).WithGroup(hostile).InfoContext(ctx, hostile,
				"error", errors.New(hostile), "any", struct{ Field string }{hostile}, "list", []string{hostile})
		})
		line, rest, _ := strings.Cut(got, "\n")
		if rest != "" {
			t.Errorf("JSON %v: more than one line: %q", asJSON, rest)
		}
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("JSON %v: unescaped %q in %q", asJSON, line[i:i+1], line)
		}
		if asJSON {
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil {
				t.Errorf("not JSON: %v: %s", err, line)
			} else if want := strings.ToValidUTF8(hostile, "\ufffd"); object["msg"] != want {
				t.Errorf("message became %q, want %q", object["msg"], want)
			}
		}
	}
}

func TestSecretsAreRedactedInEveryForm(t *testing.T) {
	t.Parallel()
	const canary = "CANARY-7f3a"
	secret := hub.NewSecret(canary)
	type wrapper struct {
		Token   hub.Secret
		Pointer *hub.Secret
		Many    []hub.Secret
		ByName  map[string]hub.Secret
	}
	wrapped := wrapper{secret, &secret, []hub.Secret{secret}, map[string]hub.Secret{"k": secret}}
	for _, asJSON := range []bool{false, true} {
		got := logged(t, LogConfig{JSON: asJSON}, func(log *slog.Logger) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3s"} {
				log.Info(fmt.Sprintf(verb, secret), "wrapped", fmt.Sprintf(verb, wrapped))
			}
			log.Info("attributes", "secret", secret, "pointer", &secret, "wrapped", wrapped, "to", &wrapped)
			log.With("secret", secret).WithGroup("g").Info("group", slog.Group("in", "secret", secret), "list", wrapped.Many)
			log.Error("wrapped", "error", fmt.Errorf("key %s: %w", secret, io.EOF))
		})
		hex := fmt.Sprintf("%x", canary)
		for _, leak := range []string{canary, hex, strings.ToUpper(hex)} {
			if strings.Contains(got, leak) {
				t.Errorf("JSON %v: log shows the secret as %s:\n%s", asJSON, leak, got)
			}
		}
		if !strings.Contains(got, "[redacted]") {
			t.Errorf("JSON %v: nothing redacted:\n%s", asJSON, got)
		}
	}
}

func TestLogFileRotatesAtTenMegabytesAndKeepsThree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.log")
	file, err := openLogFile(path)
	if err != nil {
		t.Fatal(err)
	}
	megabyte := append(bytes.Repeat([]byte{'x'}, 1<<20-1), '\n')
	for range 45 {
		if _, err := file.Write(megabyte); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil { // waits until surplus files are removed
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("got %d files, want 3", len(files))
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Size() > 10<<20 || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s: %d bytes, mode %v, %v", f.Name(), info.Size(), info.Mode(), err)
		}
	}
}

func TestLogFileThatCannotBeOpenedIsAnError(t *testing.T) {
	t.Parallel()
	if _, _, err := NewLogger(LogConfig{File: filepath.Join(t.TempDir(), "no", "folder", "hub.log")}); err == nil {
		t.Error("NewLogger took a file in a folder that does not exist")
	}
}

func FuzzOneRecordIsOnePrintableLine(f *testing.F) {
	f.Add("message", "key", "value")
	f.Add(hostile, hostile, hostile)
	f.Add("message", "\x7f", "\x7f") // slog's text handler leaves it
	f.Fuzz(func(t *testing.T, message, key, value string) {
		for _, asJSON := range []bool{false, true} {
			var b bytes.Buffer
			slog.New(newHandler(&b, LogConfig{JSON: asJSON})).LogAttrs(context.Background(), slog.LevelInfo, message, slog.String(key, value))
			line := strings.TrimSuffix(b.String(), "\n")
			if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("JSON %v: %q at %d of %q", asJSON, line[i:], i, line)
			}
			if asJSON && !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %q", line)
			}
		}
	})
}
