package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Logins, of which there are a few a second, are counted for longer and less often than other requests. Where they are held
// against a goal, one of them must not count for more than the hundredth that the goal is about.
const (
	minHashing = 3 * time.Second
	minLogins  = 12 * time.Second
	maxHashing = 3 // rounds
)

// rawName names the floor of whatever hashes: bcrypt alone on all cores.
const rawName = "raw bcrypt"

func (b *bench) measureLogin(ctx context.Context) error {
	r, err := b.takeHashTurns(ctx, "login", minLogins, 4*runtime.NumCPU(), 200, logsIn)
	if err != nil {
		return err
	}
	for _, s := range b.subjects {
		than := r.than(rawName, s.mode, rate)
		b.add(row{Mode: s.mode, What: fmt.Sprintf("login, bcrypt %d", cost), figures: r.of(s.mode), Than: than}, atLeast(than.Ratio, .97, "of raw bcrypt"))
	}
	return nil
}

// measureRegister makes accounts, which takes as much hashing as logins do.
func (b *bench) measureRegister(ctx context.Context) error {
	const conns = 8
	var n atomic.Int64
	r, err := b.takeHashTurns(ctx, "register", minHashing, conns, 201, func(int) func([]byte) request {
		return func([]byte) request { return registerRequest(fmt.Sprintf("new%d@example.com", n.Add(1))) }
	})
	if err != nil {
		return err
	}
	for _, s := range b.subjects {
		b.add(row{
			Mode: s.mode, What: fmt.Sprintf("register, bcrypt %d, %s", cost, connections(conns)),
			figures: r.of(s.mode), Than: r.than(rawName, s.mode, rate),
		})
	}
	return nil
}

// takeHashTurns has raw bcrypt and the hubs take turns, each of at least the length.
func (b *bench) takeHashTurns(ctx context.Context, what string, length time.Duration, conns, want int, next func(client int) func([]byte) request) (results, error) {
	progress(what + " and raw bcrypt")
	length = max(b.duration, length)
	turns := []turn{{rawName, nil, func() (result, error) { return rawBcrypt(length) }}}
	for _, s := range b.subjects {
		turns = append(turns, turn{s.mode, s.server, func() (result, error) {
			return load(ctx, s.server.addr, conns, length, want, next)
		}})
	}
	return takeTurns(min(b.rounds, maxHashing), turns)
}

// rawBcrypt compares on all cores.
func rawBcrypt(d time.Duration) (result, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return result{}, fmt.Errorf("hash: %w", err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var all result
	began := time.Now()
	for range runtime.NumCPU() {
		group.Go(func() {
			var latencies []time.Duration
			for before := began; before.Sub(began) < d; {
				_ = bcrypt.CompareHashAndPassword(hash, []byte(password)) // only its time counts
				now := time.Now()
				latencies, before = append(latencies, now.Sub(before)), now
			}
			mu.Lock()
			defer mu.Unlock()
			all.latencies = append(all.latencies, latencies...)
		})
	}
	group.Wait()
	all.took = time.Since(began)
	slices.Sort(all.latencies)
	return all, nil
}
