package telemetry

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func noClose() error { return nil }

func countNotice(n int64) []byte { return fmt.Appendf(nil, "dropped %d\n", n) }

// account adds up the lines and the drops that notices report.
func account(t *testing.T, text string) (lines, dropped int) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "dropped "); ok {
			count, err := strconv.Atoi(n)
			if err != nil {
				t.Fatalf("torn notice %q", line)
			}
			dropped += count
		} else if strings.HasPrefix(line, "line ") && strings.HasSuffix(line, " end\n") {
			lines++
		}
	}
	return lines, dropped
}

func TestBlockedPipeStopsNobodyAndEveryLineIsAccountedFor(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 5_000
	lw := newLineWriter(w, w.Close, countNotice)
	padding := strings.Repeat("x", 80)
	var group sync.WaitGroup
	for range writers { // nobody reads the pipe: if Write waited, this would never end
		group.Go(func() {
			for i := range each {
				_, _ = fmt.Fprintf(lw, "line %d %s end\n", i, padding)
			}
		})
	}
	group.Wait()

	text := make(chan string)
	go func() {
		var b strings.Builder
		for s := bufio.NewScanner(r); s.Scan(); {
			b.WriteString(s.Text() + "\n")
		}
		text <- b.String()
	}()
	if err := lw.Close(); err != nil {
		t.Fatal(err)
	}
	lines, dropped := account(t, <-text)
	if dropped == 0 || lines+dropped != writers*each {
		t.Errorf("got %d lines and %d reported as dropped of %d", lines, dropped, writers*each)
	}
}

func TestNoticeStandsWhereLinesAreMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := &gatedSink{gate: make(chan struct{})}
		lw := newLineWriter(sink, noClose, countNotice)
		_, _ = lw.Write([]byte("first\n"))
		synctest.Wait() // the sink holds "first" and is stuck
		filling := bytes.Repeat([]byte{'x'}, maxPending-1)
		_, _ = lw.Write(append(filling, '\n'))
		_, _ = lw.Write([]byte("too much\n"))
		_, _ = lw.Write([]byte("too much\n"))
		close(sink.gate)
		synctest.Wait()
		_, _ = lw.Write([]byte("last\n"))
		if err := lw.Close(); err != nil {
			t.Fatal(err)
		}
		want := "first\n" + string(filling) + "\ndropped 2\nlast\n"
		if got := sink.String(); got != want {
			t.Errorf("got ...%q", got[max(0, len(got)-60):])
		}
	})
}

func TestCloseGivesUpOnAStuckSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := &gatedSink{gate: make(chan struct{})}
		lw := newLineWriter(sink, noClose, countNotice)
		_, _ = lw.Write([]byte("line\n"))
		began := time.Now()
		if err := lw.Close(); !errors.Is(err, errNotFlushed) || time.Since(began) != flushWait {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
		if err := lw.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
		close(sink.gate)
	})
}

// A full disk takes a part of what is written, then nothing, then something again.
func TestFullSinkIsMendedAndReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const line = "line 1 end\n"
		sink := &fullSink{room: len(line) + 4}
		lw := newLineWriter(sink, noClose, countNotice)
		write := func() {
			_, _ = lw.Write([]byte(line))
			synctest.Wait()
		}
		write()
		write() // torn after 4 bytes
		write() // no room at all
		sink.room = 1000
		write()
		if err := lw.Close(); err != nil {
			t.Fatal(err)
		}
		want := line + "line\n" + line + "dropped 2\n"
		if got := sink.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestLinesAfterCloseAreDropped(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, closer, err := NewLogger(LogConfig{Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	log.Info("too late")
	if out.Len() != 0 {
		t.Errorf("wrote %q after Close", out.String())
	}
}

func BenchmarkLogger(b *testing.B) {
	log, closer, err := NewLogger(LogConfig{Output: discard{}, JSON: true})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String("route", "/api/v1/auth/me"), slog.Int("status", 200))
	}
	if err := closer.Close(); err != nil {
		b.Fatal(err)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// gatedSink is stuck until the gate is closed.
type gatedSink struct {
	gate chan struct{}
	bytes.Buffer
}

func (s *gatedSink) Write(p []byte) (int, error) {
	<-s.gate
	return s.Buffer.Write(p)
}

// fullSink takes room bytes.
type fullSink struct {
	room int
	bytes.Buffer
}

func (s *fullSink) Write(p []byte) (int, error) {
	n := min(len(p), s.room)
	s.room -= n
	_, _ = s.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errors.New("no space left")
	}
	return n, nil
}
