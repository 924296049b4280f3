package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/a64core/hub"
)

const (
	drawInterval = 100 * time.Millisecond // on a terminal
	lineInterval = 10 * time.Second       // elsewhere
	barWidth     = 16
	lineWidth    = 79 // of a terminal that nobody has made wider
)

// progress shows how far something is that takes long: as a bar on a terminal, as a line now and then elsewhere, and not at
// all where the output is for a script.
type progress struct {
	w          io.Writer // nil: show nothing
	isTerminal bool
	now        func() time.Time

	what    string    // is done, such as "comparing"
	label   string    // of the bar
	started time.Time // of what the label says
	drawn   time.Time // the last time
	shown   bool      // a bar stands on the terminal's line
}

// progress returns one on standard error.
func (p *program) progress(quiet bool) *progress {
	if quiet {
		return &progress{now: time.Now}
	}
	file, ok := p.stderr.(*os.File)
	return &progress{w: p.stderr, isTerminal: ok && term.IsTerminal(int(file.Fd())), now: time.Now}
}

// begin says what begins.
func (g *progress) begin(format string, args ...any) {
	g.end()
	g.what, g.label = fmt.Sprintf(format, args...), ""
	if g.w != nil {
		_, _ = fmt.Fprintf(g.w, "%s ...\n", g.what) // the outcome is what matters
	}
}

// step says that so many records of a kind are done, of about so many.
func (g *progress) step(kind hub.RecordKind, done, total int) {
	if g.w == nil {
		return
	}
	now, label := g.now(), plural(kind)
	if label != g.label {
		g.label, g.started, g.drawn = label, now, time.Time{}
		if !g.isTerminal {
			g.drawn = now
		}
	}
	interval := lineInterval
	if g.isTerminal {
		interval = drawInterval
	}
	if now.Sub(g.drawn) < interval && (done < total || !g.isTerminal) {
		return
	}
	g.drawn = now
	if g.isTerminal {
		_, _ = fmt.Fprintf(g.w, "\r\x1b[K%s", g.line(done, total, now)) // as above
		g.shown = true
		return
	}
	_, _ = fmt.Fprintf(g.w, "%s\n", g.line(done, total, now)) // as above
}

// line is the progress in at most lineWidth characters, of which the bar takes what is left.
func (g *progress) line(done, total int, now time.Time) string {
	part := 1.0
	if total > 0 {
		part = float64(done) / float64(total)
	}
	head := fmt.Sprintf("  %-11s %3.0f %% ", g.label, part*100)
	tail := grouped(done) + " of " + grouped(total)
	elapsed := now.Sub(g.started).Seconds()
	if rate := float64(done) / elapsed; elapsed >= 0.5 && rate >= 1 {
		tail += fmt.Sprintf(", %s/s", grouped(int(rate)))
		if left := time.Duration(float64(total-done) / rate * float64(time.Second)); done < total {
			tail += fmt.Sprintf(", %v left", left.Round(time.Second))
		}
	}
	if width := min(barWidth, lineWidth-len(head)-len(tail)-len("[] ")); g.isTerminal && width > 0 {
		full := int(part * float64(width))
		head += "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "] "
	}
	return head + tail
}

// end takes the bar away, before something else is written.
func (g *progress) end() {
	if g.shown {
		_, _ = fmt.Fprint(g.w, "\r\x1b[K") // as above
		g.shown = false
	}
}

// plural names records of a kind for people.
func plural(kind hub.RecordKind) string { return strings.ReplaceAll(string(kind), "_", " ") + "s" }

// counted is a number of records of a kind.
func counted(n int, kind hub.RecordKind) string {
	if n == 1 {
		return "1 " + strings.TrimSuffix(plural(kind), "s")
	}
	return grouped(n) + " " + plural(kind)
}

// records is a number of records of any kind, with the verb that follows.
func records(n int, one, many string) string {
	if n == 1 {
		return "1 record " + one
	}
	return grouped(n) + " records " + many
}

// grouped writes a number with a comma between thousands.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
