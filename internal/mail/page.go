package mail

import (
	"fmt"
	"net/netip"
	"strings"
	texttemplate "text/template"
	"time"
)

// page is what the layouts lay out: finished words. The layouts escape all of them.
type page struct {
	Language string
	Subject  string
	Greeting string
	Intro    []string
	Action   string
	LinkHint string
	Link     string
	Outro    []string
	Footer   string
}

// facts is what the words of a language may speak of.
type facts struct {
	AppName  string
	Name     string // "" if the mail has to greet without
	ValidFor string // such as "24 hours"
	At       time.Time
	IP       string
}

func (t *Templates) page(words *texttemplate.Template, l Letter) (page, error) {
	w := writer{words: words}
	about := facts{AppName: t.appName, Name: greetedName(l.FirstName), At: l.At.UTC()}
	if ip, err := netip.ParseAddr(l.IP); err == nil {
		about.IP = ip.String()
	}
	if l.ValidFor > 0 {
		unit, n := wholeUnits(l.ValidFor)
		about.ValidFor = w.block(unit, n)
	}
	p := page{
		Subject:  w.block("subject", about),
		Greeting: w.block("greeting", about),
		Intro:    w.paragraphs("intro", about),
		Outro:    w.paragraphs("outro", about),
		Footer:   w.block("footer", about),
	}
	if linkPath(l.Kind) != "" {
		p.Action, p.LinkHint = w.block("action", about), w.block("link_hint", about)
	}
	return p, w.err
}

// wholeUnits expresses a duration in the largest unit that fits without a rest, rounded up to minutes. The unit is the
// name of a block that a language words it with.
func wholeUnits(d time.Duration) (unit string, n int) {
	const day = 24 * time.Hour
	switch {
	case d > day && d%day == 0:
		return "days", int(d / day)
	case d%time.Hour == 0:
		return "hours", int(d / time.Hour)
	default:
		return "minutes", int((d + time.Minute - 1) / time.Minute)
	}
}

// writer executes blocks until one fails.
type writer struct {
	words *texttemplate.Template
	err   error
}

func (w *writer) block(name string, data any) string {
	if w.err != nil {
		return ""
	}
	var text strings.Builder
	if err := w.words.ExecuteTemplate(&text, name, data); err != nil {
		w.err = fmt.Errorf("write %s: %w", name, err)
	}
	return strings.TrimSpace(text.String())
}

func (w *writer) paragraphs(name string, data any) []string {
	var all []string
	for p := range strings.SplitSeq(w.block(name, data), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, strings.ReplaceAll(p, "\n", " "))
		}
	}
	return all
}
