package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

const maxStarts = 5

// measureStart looks at the binary, and at a start with a database that is there already.
func (b *bench) measureStart(ctx context.Context) error {
	if !slices.Contains(b.modes, sqlite) {
		return nil
	}
	progress("starting and idling")
	info, err := os.Stat(b.program.binary)
	if err != nil {
		return fmt.Errorf("look at the binary: %w", err)
	}
	db, err := b.newDatabase(ctx, sqlite)
	if err != nil {
		return err
	}
	var starts []time.Duration
	var resident float64
	last := min(b.rounds, maxStarts)
	for i := range last + 1 {
		p, err := b.program.serve(ctx, db)
		if err != nil {
			return err
		}
		if i > 0 { // the first made the database
			starts = append(starts, p.started)
		}
		if i == last {
			wait(ctx, 2*time.Second) // past the first garbage collections and the workers' first rounds
			resident = memoryMiB(p.cmd, "VmRSS")
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	started, size := ms(median(starts)), float64(info.Size())/1e6
	b.add(row{Mode: sqlite, What: "binary", figures: figures{Size: size}}, atMost(size, 40, "MB"))
	b.add(row{Mode: sqlite, What: "start to first 200", figures: figures{P50: started}}, atMost(started, 60, "ms"))
	b.add(row{Mode: sqlite, What: "idle resident memory", figures: figures{Memory: resident}}, atMost(resident, 30, "MiB"))
	return nil
}

// measureMemory tells how much memory each hub has taken at most, after all loads before.
func (b *bench) measureMemory(context.Context) error {
	for _, s := range b.subjects {
		b.add(row{Mode: s.mode, What: "memory at most, under all of this", figures: figures{Memory: memoryMiB(s.server.cmd, "VmHWM")}})
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
