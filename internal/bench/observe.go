package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
)

// The hubs that are compared by what they tell of themselves.
const (
	silent  = "neither"
	metered = "metrics"
	traced  = "traces"
)

// measureObserving compares hubs with metrics, and with traces of one request in a hundred, with one that has neither.
func (b *bench) measureObserving(ctx context.Context) (err error) {
	if !slices.Contains(b.modes, sqlite) {
		return nil
	}
	progress("signing users in, with metrics, traces and neither")
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // takes all that it is sent, whatever it is
	}))
	defer collector.Close()
	var turns []turn
	for _, kind := range []struct{ name, setting string }{
		{silent, "METRICS_ADDR="},
		{metered, "METRICS_ADDR=127.0.0.1:0"},
		{traced, "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL},
	} {
		db, err := b.newDatabase(ctx, sqlite)
		if err != nil {
			return err
		}
		s := &subject{mode: sqlite}
		if s.server, err = b.program.serve(ctx, db, kind.setting); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.server.stop()) }()
		if err := s.signUp(ctx); err != nil {
			return err
		}
		turns = append(turns, turn{kind.name, s.server, func() (result, error) {
			return load(ctx, s.server.addr, meConns, b.duration, 200, always(meRequest(s.clients[0].AccessToken)))
		}})
	}
	progress("auth/me, with metrics, traces and neither")
	r, err := takeTurns(b.rounds, turns)
	if err != nil {
		return err
	}
	for _, goal := range []struct {
		name  string
		least float64
	}{{metered, .97}, {traced, .95}} {
		than := r.than(silent, goal.name, rate)
		b.add(row{Mode: sqlite, What: "GET /auth/me, 32 connections, with " + goal.name, figures: r.of(goal.name), Than: than},
			atLeast(than.Ratio, goal.least, "of the hub without"))
	}
	return nil
}
