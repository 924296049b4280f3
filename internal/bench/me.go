package main

import (
	"context"
	"fmt"
)

// goalConns is the number of connections that the goals for auth/me are about.
const goalConns = 32

func (b *bench) measureMe(ctx context.Context) error {
	if s := b.subject(sqlite); s != nil {
		progress("auth/me, 8 connections")
		r, err := takeTurns(b.rounds, b.meTurns(ctx, 8, s))
		if err != nil {
			return err
		}
		b.add(sqlite, "GET /auth/me, 8 connections", describe(r.of(sqlite)), describeFloor(r, sqlite))
	}
	progress("auth/me, 32 connections")
	r, err := takeTurns(b.rounds, b.meTurns(ctx, goalConns, b.subjects...))
	if err != nil {
		return err
	}
	for _, s := range b.subjects {
		b.addGoal(s.mode, "GET /auth/me, 32 connections", describe(r.of(s.mode)), describeFloor(r, s.mode),
			">= 0.5 of the floor", r.ratio(s.mode, floorName, rate) >= .5)
	}
	if r.has(sqlite) {
		t := tail(r.of(sqlite))
		b.addGoal(sqlite, "  its p99 over its p50", fmt.Sprintf("%.1f", t), fmt.Sprintf("floor %.1f", tail(r.of(floorName))), "< 10", t < 10)
	}
	if r.has(dual) && r.has(mongodb) {
		ratio := r.ratio(dual, mongodb, rate)
		b.addGoal(dual, "  its rate", fmt.Sprintf("%.2f of mongodb", ratio), describe(r.of(mongodb)), ">= 0.9", ratio >= .9)
	}
	return nil
}

func (b *bench) meTurns(ctx context.Context, conns int, subjects ...*subject) []turn {
	token := b.subjects[0].clients[0].AccessToken // any hub's: they share the key
	turns := []turn{{floorName, func() (result, error) {
		return load(ctx, b.floor.addr, conns, b.duration, 200, always(newRequest("GET", "/", token, nil)))
	}}}
	for _, s := range subjects {
		turns = append(turns, turn{s.mode, func() (result, error) {
			return load(ctx, s.server.addr, conns, b.duration, 200, always(meRequest(s.clients[0].AccessToken)))
		}})
	}
	return turns
}

func describeFloor(r results, mode string) string {
	return fmt.Sprintf("%s: ratio %.2f", describe(r.of(floorName)), r.ratio(mode, floorName, rate))
}
