package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func TestProgressIsALineNowAndThenWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	g := &progress{w: &out, now: func() time.Time { return now }}
	g.begin("Comparing %s with %s", "mysql", "mongodb")
	for done := 1000; done <= 60_000; done += 1000 {
		g.step(hub.RecordMailToken, done, 60_000)
		now = now.Add(time.Second / 2)
	}
	g.end()
	want := `Comparing mysql with mongodb ...
  mail tokens  35 % 21,000 of 60,000, 2,100/s, 19s left
  mail tokens  68 % 41,000 of 60,000, 2,050/s, 9s left
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Unix(0, 0)
	g := &progress{w: &out, isTerminal: true, now: func() time.Time { return now }}
	for done := 0; done <= 1_000_000; done += 1000 {
		g.step(hub.RecordMailToken, done, 1_000_000)
		now = now.Add(time.Millisecond * 30)
	}
	g.end()
	drawn := strings.Split(out.String(), "\r\x1b[K")
	if len(drawn) < 200 || len(drawn) > 400 || drawn[len(drawn)-1] != "" {
		t.Fatalf("drawn %d times, the last is %q", len(drawn), drawn[len(drawn)-1])
	}
	for _, line := range drawn {
		if len(line) > 79 {
			t.Errorf("too wide: %q", line)
		}
	}
	if got, want := drawn[len(drawn)-2], "  mail tokens 100 % [================] 1,000,000 of 1,000,000, 33,333/s"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestProgressIsSilentForScripts(t *testing.T) {
	t.Parallel()
	g := (&program{}).progress(true)
	g.begin("Comparing")
	g.step(hub.RecordUser, 1, 1)
	g.end()
}

func TestNumbersAreGrouped(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}
