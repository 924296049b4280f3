package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// printTable prints the rows of each mode together, with the change of ratios since the figures that were committed last.
func printTable(to io.Writer, rows []row, last report) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	since := ""
	if last.Commit != "" {
		since = "SINCE " + last.Commit
	}
	fmt.Fprintf(w, "\nWHAT\tPER SECOND\tP50 ms\tP99 ms\tCPU us\tSIZE\tCOMPARED WITH\tRATIO\t%s\tGOAL\n", since)
	for _, mode := range append([]string{bareName, floorName}, allModes()...) {
		titled := false
		for _, r := range rows {
			if r.Mode != mode {
				continue
			}
			if !titled {
				fmt.Fprintf(w, "%s\t\t\t\t\t\t\t\t\t\n", mode)
				titled = true
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", r.What, r.figures.cells(), r.comparison(), last.change(r), r.goals())
		}
	}
	return w.Flush()
}

// cells are those of the columns for figures.
func (f figures) cells() string {
	size := number(f.Memory, " MiB") + number(f.Size, " MB")
	return strings.Join([]string{number(f.PerSecond, ""), number(f.P50, ""), number(f.P99, ""), number(f.CPU, ""), size}, "\t")
}

// number returns x with three digits, or more if they stand before the point, as English has them.
func number(x float64, unit string) string {
	switch {
	case x == 0:
		return ""
	case x >= 100:
		return message.NewPrinter(language.English).Sprintf("%.0f%s", x, unit)
	}
	return fmt.Sprintf("%.3g%s", x, unit)
}

// comparison tells of the other and the ratio, in two cells.
func (r row) comparison() string {
	if r.Than == nil {
		return r.notes() + "\t"
	}
	they, ratio := r.Than, fmt.Sprintf("%.2f", r.Than.Ratio)
	if they.Of != rate {
		ratio += " by " + string(they.Of)
	}
	text := they.Name + ":"
	for _, part := range []string{number(they.PerSecond, "/s"), number(they.P50, " p50"), number(they.P99, " p99"), number(they.Memory, " MiB")} {
		if part != "" {
			text += " " + part
		}
	}
	return strings.Trim(text+they.answers("")+"; "+r.notes(), "; ") + "\t" + ratio
}

// notes are what cannot be counted, and answers that were not wanted.
func (r row) notes() string { return strings.TrimSpace(r.Note + r.answers("own ")) }

func (f figures) answers(whose string) string {
	if len(f.Statuses) == 0 {
		return ""
	}
	return fmt.Sprintf(" %sstatuses %v", whose, f.Statuses)
}

func (r row) goals() string {
	var all []string
	for _, g := range r.Goals {
		met := "ok"
		if !g.Met {
			met = "MISSED"
		}
		all = append(all, met+" "+g.Text)
	}
	return strings.Join(all, "; ")
}
