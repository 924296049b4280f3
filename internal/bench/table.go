package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	Mode     string `json:"mode"`
	What     string `json:"what"`
	Measured string `json:"measured"`
	Compared string `json:"compared,omitempty"` // with what
	Goal     string `json:"goal,omitempty"`
	Met      bool   `json:"met"`
}

// add adds a row without a goal.
func (b *bench) add(mode, what, measured, compared string) {
	b.rows = append(b.rows, row{mode, what, measured, compared, "", true})
}

// addGoal adds a row with a goal.
func (b *bench) addGoal(mode, what, measured, compared, goal string, met bool) {
	b.rows = append(b.rows, row{mode, what, measured, compared, goal, met})
}

// printTable prints the rows of each mode together.
func printTable(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nWHAT\tMEASURED\tCOMPARED WITH\tGOAL\t")
	for _, mode := range allModes() {
		of := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Mode != mode })
		if len(of) > 0 {
			fmt.Fprintf(w, "%s\t\t\t\t\n", mode)
		}
		for _, r := range of {
			met := "ok"
			switch {
			case r.Goal == "":
				met = ""
			case !r.Met:
				met = "MISSED"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", r.What, r.Measured, r.Compared, r.Goal, met)
		}
	}
	return w.Flush()
}
