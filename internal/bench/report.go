package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// committed is the report that a run is compared with: that of the last figures in docs/performance.md.
const committed = "docs/performance.json"

// report is what a run found out, and where.
type report struct {
	Date      string            `json:"date"`
	Commit    string            `json:"commit"`
	Go        string            `json:"go"`
	System    string            `json:"system"`
	Processor string            `json:"processor,omitempty"`
	Cores     int               `json:"cores"`
	Databases map[string]string `json:"databases"` // what each mode is kept in
	Rounds    int               `json:"rounds"`
	Length    int64             `json:"lengthMs"` // of one measurement
	Rows      []row             `json:"rows"`
}

func (b *bench) report(ctx context.Context) report {
	commit, _ := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output() // an archive of the sources has none
	rows := make([]row, len(b.rows))
	for i, r := range b.rows {
		r.figures = r.rounded()
		if r.Than != nil {
			than := *r.Than
			than.figures, than.Ratio = than.rounded(), rounded(than.Ratio)
			r.Than = &than
		}
		rows[i] = r
	}
	return report{
		Date: time.Now().UTC().Format(time.DateOnly), Commit: strings.TrimSpace(string(commit)),
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Processor: processor(), Cores: runtime.NumCPU(),
		Databases: b.products, Rounds: b.rounds, Length: b.duration.Milliseconds(), Rows: rows,
	}
}

// processor returns the model's name, where the system tells.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // absent elsewhere
	_, after, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, "\t :")
}

// readReport reads a report that was saved. One that is not there has no rows.
func readReport(file string) (r report, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return report{}, nil
	}
	if err != nil {
		return report{}, fmt.Errorf("read a report: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return report{}, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

func (r report) write(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write a report: %w", err)
	}
	return nil
}

func (r report) save(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("save a report: %w", err)
	}
	return errors.Join(r.write(file), file.Close())
}

// fell is by how much a ratio may fall until it is marked: less is noise.
const fell = .1

// change tells how the ratio of a row has changed since this report, or nothing if that does not have it.
func (r report) change(now row) string {
	if now.Than == nil {
		return ""
	}
	for _, before := range r.Rows {
		if before.Mode != now.Mode || before.What != now.What || before.Than == nil || before.Than.Name != now.Than.Name || before.Than.Of != now.Than.Of {
			continue
		}
		change := now.Than.Ratio/before.Than.Ratio - 1
		text := fmt.Sprintf("%+.0f %%", 100*change)
		if change < -fell {
			text += " FELL"
		}
		return text
	}
	return ""
}
