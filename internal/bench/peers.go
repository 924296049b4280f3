package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// hubName names the hub among the results of its peers.
const hubName = "hub"

// peer is a platform for users under the load of the peers' comparison: another project's, or the hub on SQLite. Each is asked
// for the same work, over the same connections, with bcrypt of the same cost, and keeps its data in one file.
type peer struct {
	name   string
	server *process
	me     request                                    // who the bearer of a session is
	tokens func(client int) func(last []byte) request // a new token for an old one; nil where there is no such thing

	// logins returns at least n logins by password for the connections together. What has to be asked for before is asked here,
	// where it is not measured.
	logins func(ctx context.Context, n int) (func(conn int) func(last []byte) request, error)
}

// measurePeers compares the hub with PocketBase and Ory Kratos.
func (b *bench) measurePeers(ctx context.Context) error {
	peers, err := b.startPeers(ctx)
	if err != nil {
		return err
	}
	for _, measure := range []func(context.Context, []*peer) error{b.compareMe, b.compareTokens, b.compareLogins, b.compareStorms, b.compareMemory} {
		if err := measure(ctx, peers); err != nil {
			return err
		}
	}
	return nil
}

// buildPeers builds what is compared with, unless it was built before.
func buildPeers(ctx context.Context) error {
	_, err := buildPocketBase(ctx)
	if err == nil {
		_, err = buildKratos(ctx)
	}
	return err
}

// startPeers starts them, each with one account. The first is the hub.
func (b *bench) startPeers(ctx context.Context) ([]*peer, error) {
	s, err := b.serve(ctx, sqlite)
	if err != nil {
		return nil, err
	}
	peers := []*peer{s.asPeer()}
	for _, start := range []func(*bench, context.Context) (*peer, error){(*bench).startPocketBase, (*bench).startKratos} {
		p, err := start(b, ctx)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// asPeer returns the hub as one of the peers.
func (s *subject) asPeer() *peer {
	return &peer{
		name: hubName, server: s.server, me: meRequest(s.clients[0].AccessToken), tokens: s.refreshes,
		logins: func(context.Context, int) (func(int) func([]byte) request, error) {
			return logsIn, nil
		},
	}
}

// compareMemory tells how much memory each has taken at most, after all of this.
func (b *bench) compareMemory(_ context.Context, peers []*peer) error {
	most := func(p *peer) figures { return figures{Memory: memoryMiB(p.server.cmd, "VmHWM")} }
	for _, p := range peers[1:] {
		our, their := most(peers[0]), most(p)
		b.add(row{
			Mode: sqlite, What: "memory at most, under all of this", figures: our,
			Than: &other{Name: p.name, figures: their, Ratio: memory.ratio(our, their), Of: memory},
		})
	}
	return nil
}

func (b *bench) compareMe(ctx context.Context, peers []*peer) error {
	for _, conns := range []int{8, meConns} {
		what := fmt.Sprintf("whose session, %s", connections(conns))
		progress(what)
		r, err := b.takePeersTurns(peers, b.rounds, func(p *peer) (result, error) {
			return load(ctx, p.server.addr, conns, b.duration, 200, always(p.me))
		})
		if err != nil {
			return err
		}
		b.addPeers(r, what, rate, peers, 5)
	}
	return nil
}

func (b *bench) compareTokens(ctx context.Context, peers []*peer) error {
	progress("new tokens for old")
	var able []*peer
	for _, p := range peers {
		if p.tokens != nil {
			able = append(able, p)
		}
	}
	r, err := b.takePeersTurns(able, b.rounds, func(p *peer) (result, error) {
		return load(ctx, p.server.addr, clients, b.duration, 200, p.tokens)
	})
	if err != nil {
		return err
	}
	b.addPeers(r, "a new token for an old one, "+connections(clients), rate, able, 0)
	return nil
}

func (b *bench) compareLogins(ctx context.Context, peers []*peer) error {
	progress("logins")
	length := max(b.duration, minHashing)
	r, err := b.takePeersTurns(peers, min(b.rounds, maxHashing), func(p *peer) (result, error) {
		logins, err := p.logins(ctx, enoughLogins(length))
		if err != nil {
			return result{}, err
		}
		return load(ctx, p.server.addr, 4*runtime.NumCPU(), length, 200, logins)
	})
	if err != nil {
		return err
	}
	b.addPeers(r, fmt.Sprintf("login, bcrypt %d", cost), rate, peers, 0)
	return nil
}

// compareStorms asks for sessions while 64 logins are in flight all the time.
func (b *bench) compareStorms(ctx context.Context, peers []*peer) error {
	progress("sessions in a storm of logins")
	const least = 15 // times lower than PocketBase's
	length := max(b.duration, minStorm)
	logins := make(results)
	var turns []turn
	for _, p := range peers {
		turns = append(turns, turn{p.name, nil, func() (result, error) {
			next, err := p.logins(ctx, storming+enoughLogins(length))
			if err != nil {
				return result{}, err
			}
			asked, done, err := storm(ctx, p.server.addr, length, next, func() (result, error) {
				return load(ctx, p.server.addr, 8, length, 200, always(p.me))
			})
			logins[p.name] = append(logins[p.name], done)
			return asked, err
		}})
	}
	r, err := takeTurns(min(b.rounds, maxHashing), turns)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("whose session, 8 connections, %d logins in flight", storming)
	b.addPeers(r, what, p99, peers, least)
	b.addPeers(logins, what+": logins", rate, peers, 0)
	return nil
}

// enoughLogins returns more logins than all cores can hash in that time.
func enoughLogins(d time.Duration) int {
	return int(10 * float64(runtime.NumCPU()) * (d.Seconds() + 3))
}

func (b *bench) takePeersTurns(peers []*peer, rounds int, measure func(*peer) (result, error)) (results, error) {
	var turns []turn
	for _, p := range peers {
		turns = append(turns, turn{p.name, p.server, func() (result, error) { return measure(p) }})
	}
	return takeTurns(rounds, turns)
}

// addPeers adds a row for each peer of the hub. Least is how many times better than PocketBase the hub has to be, or 0.
func (b *bench) addPeers(r results, what string, of figure, peers []*peer, least float64) {
	for _, p := range peers[1:] {
		than := r.than(p.name, hubName, of)
		var goals []goal
		if least > 0 && p.name == pocketBaseName {
			goals = []goal{atLeast(than.Ratio, least, "times PocketBase")}
		}
		b.add(row{Mode: sqlite, What: what, figures: r.of(hubName), Than: than}, goals...)
	}
}
