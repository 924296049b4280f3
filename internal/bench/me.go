package main

import "context"

// meConns is the number of connections that the goals for auth/me are about.
const meConns = 32

func (b *bench) measureMe(ctx context.Context) error {
	for _, conns := range []int{8, meConns} {
		what := "GET /auth/me, " + connections(conns)
		progress(what)
		r, err := takeTurns(b.rounds, b.meTurns(ctx, conns))
		if err != nil {
			return err
		}
		for _, name := range []string{bareName, floorName} {
			b.add(row{Mode: name, What: what, figures: r.of(name)})
		}
		for _, s := range b.subjects {
			b.addMe(r, s.mode, what, conns)
		}
	}
	return nil
}

func (b *bench) addMe(r results, mode, what string, conns int) {
	than := r.than(floorName, mode, rate)
	var goals []goal
	if conns == meConns {
		least := .5
		if mode == sqlite {
			least = .65
		}
		goals = []goal{atLeast(than.Ratio, least, "of the floor")}
	}
	our := row{Mode: mode, What: what, figures: r.of(mode), Than: than}
	if mode == sqlite && conns == meConns {
		goals = append(goals, atMost(our.P99/our.P50, 10, "p99 over p50"))
	}
	b.add(our, goals...)
	if mode == dual && r.has(mongodb) && conns == meConns {
		than := r.than(mongodb, dual, rate)
		b.add(row{Mode: mode, What: what, figures: r.of(dual), Than: than}, atLeast(than.Ratio, .9, "of mongodb"))
	}
}

func (b *bench) meTurns(ctx context.Context, conns int) []turn {
	token := b.subjects[0].clients[0].AccessToken // any hub's: they share the key
	from := func(name string, server *process, r request) turn {
		return turn{name, server, func() (result, error) { return load(ctx, server.addr, conns, b.duration, 200, always(r)) }}
	}
	turns := []turn{from(bareName, b.floor, newRequest("GET", barePath, token, nil)), from(floorName, b.floor, newRequest("GET", "/", token, nil))}
	for _, s := range b.subjects {
		turns = append(turns, from(s.mode, s.server, meRequest(s.clients[0].AccessToken)))
	}
	return turns
}
