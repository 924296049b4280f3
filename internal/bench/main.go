package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		seconds = flag.Int("seconds", 3, "length of one measurement")
		rounds  = flag.Int("rounds", 3, "measurements of each kind; the median counts")
		asJSON  = flag.Bool("json", false, "print JSON instead of the table")
		floor   = flag.String("floor", "", "serve the floor at this address (used by the bench itself)")
	)
	flag.Parse()
	if *floor != "" {
		return runFloor(*floor)
	}
	b := &bench{duration: time.Duration(*seconds) * time.Second, rounds: *rounds}
	if err := b.run(ctx); err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(b.rows)
	}
	return printTable(b.rows)
}

// floorInput is what the floor's process reads from its standard input.
type floorInput struct {
	Key    string
	Answer []byte
}

func runFloor(addr string) error {
	var in floorInput
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return fmt.Errorf("read floor input: %w", err)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return serveFloor(ln, []byte(in.Key), in.Answer)
}

// row is one line of the table.
type row struct {
	What     string `json:"what"`
	Measured string `json:"measured"`
	Floor    string `json:"floor,omitempty"` // what it is compared with
	Goal     string `json:"goal,omitempty"`
	Met      bool   `json:"met"`
}

func printTable(rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nWHAT\tMEASURED\tCOMPARED WITH\tGOAL\t")
	for _, r := range rows {
		met := "ok"
		switch {
		case r.Goal == "":
			met = ""
		case !r.Met:
			met = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.What, r.Measured, r.Floor, r.Goal, met)
	}
	return w.Flush()
}
