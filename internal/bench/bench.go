package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// bench runs all measurements and collects their rows.
type bench struct {
	modes, only []string
	duration    time.Duration
	rounds      int
	backlog     int
	users       int
	growth      int
	rows        []row
	products    map[string]string // that the modes are kept in

	dir      string
	servers  servers
	program  *program
	floor    *process
	subjects []*subject
	cleanups []func() error
}

// part is one of the things that can be measured.
type part struct {
	name    string
	measure func(*bench, context.Context) error
	loads   bool // requests, which takes running hubs
}

func parts() []part {
	return []part{
		{"start", (*bench).measureStart, false},
		{"me", (*bench).measureMe, true},
		{"refresh", (*bench).measureRefresh, true},
		{"patch", (*bench).measurePatch, true},
		{"register", (*bench).measureRegister, true},
		{"login", (*bench).measureLogin, true},
		{"storm", (*bench).measureStorm, true},
		{"memory", (*bench).measureMemory, true},
		{"observe", (*bench).measureObserving, false},
		{"fleet", (*bench).measureFleet, false},
		{"limit", (*bench).measureLimit, false},
		{"worker", (*bench).measureWorker, false},
		{"verify", (*bench).measureVerify, false},
		{"growth", (*bench).measureGrowth, false},
		{peersPart, (*bench).measurePeers, false},
	}
}

// peersPart is the last, and measured only if it is asked for: it builds other projects.
const peersPart = "peers"

func allParts() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "a64core-bench-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	b.cleanups = append(b.cleanups, func() error { return os.RemoveAll(b.dir) })
	defer func() { err = errors.Join(err, b.cleanUp()) }()
	b.servers = serversFromEnvironment()
	b.modes = slices.DeleteFunc(b.modes, func(mode string) bool {
		missing := b.servers.lacks(mode)
		if missing != "" {
			progress("mode " + mode + " is left out: " + missing + " names no server")
		}
		return missing != ""
	})
	progress("building")
	if b.program, err = buildProgram(ctx, b.dir); err != nil {
		return err
	}
	if slices.Contains(b.only, peersPart) { // which may fail: before anything was measured
		if err := buildPeers(ctx); err != nil {
			return err
		}
	}
	for _, p := range parts() {
		if !slices.Contains(b.only, p.name) {
			continue
		}
		if p.loads && b.floor == nil {
			if err := b.serveAll(ctx); err != nil {
				return err
			}
		}
		if !p.loads {
			if err := b.stopAll(); err != nil {
				return err
			}
		}
		if err := p.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }

func (b *bench) cleanUp() error {
	errs := []error{b.stopAll()}
	for _, cleanUp := range slices.Backward(b.cleanups) {
		errs = append(errs, cleanUp())
	}
	return errors.Join(errs...)
}

// newDatabase makes a database that is dropped in the end.
func (b *bench) newDatabase(ctx context.Context, mode string) (*database, error) {
	d, err := b.servers.newDatabase(ctx, mode, b.dir)
	if err == nil {
		b.cleanups = append(b.cleanups, d.drop)
	}
	return d, err
}

// serveAll starts a hub in each mode, with users who are signed in, and the floor.
func (b *bench) serveAll(ctx context.Context) error {
	if len(b.modes) == 0 {
		return errors.New("there is no mode to measure")
	}
	for _, mode := range b.modes {
		if _, err := b.serve(ctx, mode); err != nil {
			return err
		}
	}
	answer, err := b.subjects[0].me(ctx)
	if err != nil {
		return err
	}
	b.floor, err = serveFloorProcess(ctx, b.program.key, answer)
	return err
}

// serve starts a hub in one mode, with users who are signed in.
func (b *bench) serve(ctx context.Context, mode string) (*subject, error) {
	progress("signing users in, " + mode)
	db, err := b.newDatabase(ctx, mode)
	if err != nil {
		return nil, err
	}
	if b.products[mode], err = db.product(ctx); err != nil {
		return nil, err
	}
	s := &subject{mode: mode}
	if s.server, err = b.program.serve(ctx, db); err != nil {
		return nil, err
	}
	b.subjects = append(b.subjects, s)
	return s, s.signUp(ctx)
}

// stopAll ends what serveAll and serve started.
func (b *bench) stopAll() error {
	var errs []error
	if b.floor != nil {
		errs = append(errs, b.floor.stop())
	}
	for _, s := range b.subjects {
		errs = append(errs, s.server.stop())
	}
	b.floor, b.subjects = nil, nil
	return errors.Join(errs...)
}

// subject returns the hub in a mode, or nil if it is not measured.
func (b *bench) subject(mode string) *subject {
	for _, s := range b.subjects {
		if s.mode == mode {
			return s
		}
	}
	return nil
}
