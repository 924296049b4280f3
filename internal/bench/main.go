package main

import (
	"context"
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
	b := &bench{products: make(map[string]string)}
	var (
		modes   = flag.String("modes", strings.Join(allModes(), ","), "database modes to measure, separated by commas")
		only    = flag.String("only", strings.Join(slices.DeleteFunc(allParts(), isPeers), ","), "what to measure, separated by commas; or also "+peersPart)
		peers   = flag.Bool("peers", false, "compare with other projects too, built from their Go modules")
		asJSON  = flag.Bool("json", false, "print JSON instead of the table")
		save    = flag.String("save", "", "save the figures as JSON in this file; "+committed+" is what later runs are compared with")
		picture = flag.String("picture", "", "draw the figures of "+committed+" as SVG into this file, and measure nothing")
		floor   = flag.String("floor", "", "serve the floor at this address (used by the bench itself)")
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
	last, err := readReport(committed)
	if err != nil {
		return err
	}
	if *picture != "" {
		return savePicture(last, *picture)
	}
	if b.modes, err = choose("-modes", *modes, allModes()); err != nil {
		return err
	}
	if b.only, err = choose("-only", *only, allParts()); err != nil {
		return err
	}
	if *peers && !slices.Contains(b.only, peersPart) {
		b.only = append(b.only, peersPart)
	}
	if err = b.run(ctx); err == nil && *save != "" {
		err = b.report(ctx).save(*save)
	}
	if *asJSON {
		return errors.Join(err, b.report(ctx).write(os.Stdout))
	}
	return errors.Join(err, printTable(os.Stdout, b.rows, last)) // also what was measured before something failed
}

func isPeers(part string) bool { return part == peersPart }

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
