package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := new(bench)
	var (
		modes  = flag.String("modes", strings.Join(allModes(), ","), "database modes to measure, separated by commas")
		only   = flag.String("only", strings.Join(allParts(), ","), "what to measure, separated by commas")
		peers  = flag.Bool("peers", false, "compare with other projects, built from their Go modules, and measure nothing else")
		asJSON = flag.Bool("json", false, "print JSON instead of the table")
		floor  = flag.String("floor", "", "serve the floor at this address (used by the bench itself)")
	)
	flag.DurationVar(&b.duration, "length", 500*time.Millisecond, "length of one measurement")
	flag.IntVar(&b.rounds, "rounds", 15, "measurements of each kind; the median counts")
	flag.IntVar(&b.backlog, "backlog", 20_000, "users that the worker of dual mode has to copy")
	flag.IntVar(&b.users, "users", 100_000, "users that store verify compares")
	flag.IntVar(&b.growth, "growth", 1_000_000, "users of the large database that is compared with one of a thousand")
	flag.Parse()
	if *floor != "" {
		return runFloor(ctx, *floor)
	}
	var err error
	if b.modes, err = choose("-modes", *modes, allModes()); err != nil {
		return err
	}
	if b.only, err = choose("-only", *only, allParts()); err != nil {
		return err
	}
	if *peers {
		b.modes, b.only = []string{sqlite}, []string{peersPart}
	}
	err = b.run(ctx)
	if *asJSON {
		return errors.Join(err, json.NewEncoder(os.Stdout).Encode(b.rows))
	}
	return errors.Join(err, printTable(b.rows)) // also what was measured before something failed
}

// choose reads a list of names, in the order in which all has them.
func choose(flag, list string, all []string) ([]string, error) {
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("%s: %q is none of %s", flag, name, strings.Join(all, ", "))
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(chosen, name) }), nil
}
