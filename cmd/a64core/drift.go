package main

import (
	"fmt"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
)

// maxListed bounds how many differences are named; the others are counted.
const maxListed = 1000

// drift is what differs between two databases, as commands show it.
type drift struct {
	Compared map[hub.RecordKind]int `json:"compared"` // by kind
	Pending  int                    `json:"pending"`  // wait to be copied, which is no difference
	Differ   int                    `json:"differ"`
	Listed   []differenceView       `json:"differences"` // the first of those that differ

	source, target config.Database
}

// differenceView is one record that differs.
type differenceView struct {
	Kind      hub.RecordKind `json:"kind"`
	ID        string         `json:"id"`
	MissingIn string         `json:"missingIn,omitempty"`
	Fields    []string       `json:"fields,omitempty"`
	NewerIn   string         `json:"newerIn,omitempty"` // where its version is higher, if that is not the one that decides
	Reason    string         `json:"reason,omitempty"`  // why it could not be mended, if the database has refused it
}

func newDrift(source, target config.Database) *drift {
	return &drift{Listed: []differenceView{}, source: source, target: target}
}

// add is told each difference.
func (d *drift) add(found replica.Difference) error {
	if len(d.Listed) >= maxListed {
		return nil
	}
	view := differenceView{Kind: found.Key.Kind, ID: found.Key.ID, Fields: found.Fields, Reason: found.Reason}
	switch found.Missing {
	case replica.Source:
		view.MissingIn = string(d.source)
	case replica.Target:
		view.MissingIn = string(d.target)
	}
	if found.Ahead {
		view.NewerIn = string(d.target)
	}
	d.Listed = append(d.Listed, view)
	return nil
}

// sum takes over what was counted.
func (d *drift) sum(r replica.Result) {
	d.Compared, d.Pending, d.Differ = r.Compared, r.Pending, r.Differ
}

// print writes the differences, one a line.
func (d *drift) print(p *program) error {
	for _, v := range d.Listed {
		if err := printText(p.stdout, "%s\n", v); err != nil {
			return err
		}
	}
	if more := d.Differ - len(d.Listed); more > 0 {
		return printText(p.stdout, "... and %s more\n", grouped(more))
	}
	return nil
}

// fewKinds is up to how many kinds of records are named even if there are none of them.
const fewKinds = 3

// compared says what was compared.
func (d *drift) compared() string {
	var parts []string
	for _, kind := range hub.RecordKinds() {
		if n, ok := d.Compared[kind]; ok && (n > 0 || len(d.Compared) <= fewKinds) {
			parts = append(parts, counted(n, kind))
		}
	}
	text := strings.Join(parts, ", ")
	if text == "" {
		text = "no records, for there are none"
	}
	if last := len(parts) - 1; last > 0 {
		text = strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	if d.Pending > 0 {
		text += fmt.Sprintf("; %s to be copied", records(d.Pending, "waits", "wait"))
	}
	return text
}

// String names the record and says how it differs.
func (v differenceView) String() string {
	text := string(v.Kind) + " " + v.ID + ": "
	switch {
	case v.MissingIn != "":
		text += "is missing in " + v.MissingIn
	case len(v.Fields) == 1:
		text += v.Fields[0] + " differs"
	default:
		text += strings.Join(v.Fields, ", ") + " differ"
	}
	if v.NewerIn != "" {
		text += ", and is newer in " + v.NewerIn
	}
	if v.Reason != "" {
		text += " (" + v.Reason + ")"
	}
	return text
}
