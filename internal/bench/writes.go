package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// maxSlowdown is how much slower a change may be with two databases than with the first alone.
const maxSlowdown = 1.8

// measureRefresh rotates refresh tokens: each connection has a session of its own.
func (b *bench) measureRefresh(ctx context.Context) error {
	for _, conns := range []int{clients, 1} {
		progress(fmt.Sprintf("refresh, %s", connections(conns)))
		r, err := b.takeWriteTurns(ctx, conns, func(s *subject, client int) func([]byte) request {
			return s.refreshes(client)
		})
		if err != nil {
			return err
		}
		b.addWrites(r, "refresh", conns)
	}
	return nil
}

// refreshes returns the requests of a client, each with the token that the answer to the one before gave.
func (s *subject) refreshes(client int) func([]byte) request {
	own := &s.clients[client]
	return func(last []byte) request {
		if last != nil {
			if err := json.Unmarshal(last, own); err != nil {
				return nil
			}
		}
		return newRequest("POST", "/api/v1/auth/refresh", "", []byte(`{"refreshToken":"`+own.RefreshToken+`"}`))
	}
}

// measurePatch changes users' names: each connection is signed in to another account.
func (b *bench) measurePatch(ctx context.Context) error {
	for _, conns := range []int{accounts, 1} {
		progress(fmt.Sprintf("PATCH, %s", connections(conns)))
		r, err := b.takeWriteTurns(ctx, conns, func(s *subject, client int) func([]byte) request {
			return s.patches(client)
		})
		if err != nil {
			return err
		}
		b.addWrites(r, "PATCH /users/me", conns)
	}
	return nil
}

func (s *subject) patches(client int) func([]byte) request {
	var requests []request
	for _, name := range []string{"Ada", "Augusta"} {
		requests = append(requests, newRequest("PATCH", "/api/v1/users/me", s.clients[client].AccessToken, []byte(`{"firstName":"`+name+`"}`)))
	}
	n := 0
	return func([]byte) request {
		n++
		return requests[n%2]
	}
}

func (b *bench) takeWriteTurns(ctx context.Context, conns int, next func(s *subject, client int) func([]byte) request) (results, error) {
	var turns []turn
	for _, s := range b.subjects {
		turns = append(turns, turn{s.mode, s.server, func() (result, error) {
			return load(ctx, s.server.addr, conns, b.duration, 200, func(client int) func([]byte) request { return next(s, client) })
		}})
	}
	return takeTurns(b.rounds, turns)
}

// addWrites adds a row for each mode. Goals in changes a second are for many connections only.
func (b *bench) addWrites(r results, what string, conns int) {
	perSecond := map[string]float64{sqlite: 3000, mongodb: 1000, mysql: 1500} // of refreshes
	what = fmt.Sprintf("%s, %s", what, connections(conns))
	for _, s := range b.subjects {
		our := row{Mode: s.mode, What: what, figures: r.of(s.mode)}
		least, ok := perSecond[s.mode]
		switch {
		case s.mode == dual && r.has(mongodb):
			our.Than = r.than(mongodb, dual, p50)
			b.add(our, atMost(1/our.Than.Ratio, maxSlowdown, "times mongodb's p50"))
		case ok && conns == clients:
			b.add(our, atLeast(our.PerSecond, least, "/s"))
		default:
			b.add(our)
		}
	}
}

func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}
