package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Logins, of which there are a few a second, are counted for longer and less often than other requests.
const (
	minHashing = 3 * time.Second
	minStorm   = 10 * time.Second
	maxHashing = 3 // rounds
)

func (b *bench) measureLogin(ctx context.Context) error {
	progress("login and raw bcrypt")
	length := max(b.duration, minHashing)
	var raws []float64
	turns := []turn{}
	for _, s := range b.subjects {
		turns = append(turns, turn{s.mode, func() (result, error) {
			return load(ctx, s.server.addr, 4*runtime.NumCPU(), length, 200, func(client int) func([]byte) request {
				return always(loginRequest(client))(client)
			})
		}})
	}
	turns = append(turns, turn{floorName, func() (result, error) {
		raw, err := rawBcrypt(length)
		raws = append(raws, raw)
		return result{}, err
	}})
	r, err := takeTurns(min(b.rounds, maxHashing), turns)
	if err != nil {
		return err
	}
	for _, s := range b.subjects {
		var ratios []float64
		for i, raw := range raws {
			ratios = append(ratios, r[s.mode][i].perSecond()/raw)
		}
		ratio := median(ratios)
		b.addGoal(s.mode, "login, bcrypt 12", describe(r.of(s.mode)), fmt.Sprintf("raw bcrypt %.1f/s: ratio %.2f", median(raws), ratio), ">= 0.95", ratio >= .95)
	}
	return nil
}

// rawBcrypt compares on all cores and returns how many comparisons a second were made.
func rawBcrypt(d time.Duration) (float64, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return 0, fmt.Errorf("hash: %w", err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	total, began := 0, time.Now()
	for range runtime.NumCPU() {
		group.Go(func() {
			n := 0
			for time.Since(began) < d {
				_ = bcrypt.CompareHashAndPassword(hash, []byte(password)) // only its time counts
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	group.Wait()
	return float64(total) / time.Since(began).Seconds(), nil
}

// storming is how many connections log in during a storm.
const storming = 64

// measureStorm asks auth/me while 64 logins are in flight all the time: a thousand times a second, which leaves the cores
// to the logins, and as often as 8 connections can.
func (b *bench) measureStorm(ctx context.Context) error {
	s := b.subject(sqlite)
	if s == nil {
		return nil
	}
	progress("auth/me in a storm of logins")
	length := max(b.duration, minStorm)
	logins := make(map[string][]float64) // a second, while auth/me was asked
	inStorm := func(name string, asked func() (result, error)) turn {
		return turn{name, func() (result, error) {
			var answered atomic.Int64
			var stormErr error
			var group sync.WaitGroup
			group.Go(func() {
				_, stormErr = load(ctx, s.server.addr, storming, length+2*time.Second, 200, func(int) func([]byte) request {
					return func(last []byte) request {
						if last != nil {
							answered.Add(1)
						}
						return loginRequest(0)
					}
				})
			})
			wait(ctx, time.Second) // until the storm has filled the queue
			before, began := answered.Load(), time.Now()
			me, err := asked()
			logins[name] = append(logins[name], float64(answered.Load()-before)/time.Since(began).Seconds())
			group.Wait()
			return me, errors.Join(err, stormErr)
		}}
	}
	me := always(meRequest(s.clients[0].AccessToken))
	const open, closed, raw = "open", "closed", "raw bcrypt"
	r, err := takeTurns(min(b.rounds, maxHashing), []turn{
		inStorm(open, func() (result, error) { return loadAtRate(ctx, s.server.addr, 32, 1000, length, 200, me) }),
		inStorm(closed, func() (result, error) { return load(ctx, s.server.addr, 8, length, 200, me) }),
		{raw, func() (result, error) {
			perSecond, err := rawBcrypt(length)
			logins[raw] = append(logins[raw], perSecond)
			return result{}, err
		}},
	})
	if err != nil {
		return err
	}
	share := func(name string) string {
		return fmt.Sprintf("logins %.1f/s: %.2f of raw bcrypt", median(logins[name]), median(logins[name])/median(logins[raw]))
	}
	ofOpen, ofClosed := r.of(open), r.of(closed)
	p99, done := ofOpen.percentile(.99), median(logins[open])/median(logins[raw])
	b.addGoal(sqlite, "GET /auth/me, 1,000 a second, 64 logins in flight", describe(ofOpen), share(open),
		"p99 <= 15 ms, logins >= 0.85", p99 <= 15*time.Millisecond && done >= .85)
	b.add(sqlite, "GET /auth/me, 8 connections, 64 logins in flight", describe(ofClosed), share(closed))
	return nil
}
