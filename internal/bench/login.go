package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Logins, of which there are a few a second, are counted for longer and less often than other requests.
const (
	minHashing = 3 * time.Second
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

// measureStorm asks auth/me while 64 logins are in flight all the time.
func (b *bench) measureStorm(ctx context.Context) error {
	s := b.subject(sqlite)
	if s == nil {
		return nil
	}
	progress("auth/me in a storm of logins")
	length := max(b.duration, minHashing)
	var logins []float64
	r, err := takeTurns(min(b.rounds, maxHashing), []turn{{sqlite, func() (result, error) {
		var storm result
		var stormErr error
		var group sync.WaitGroup
		group.Go(func() {
			storm, stormErr = load(ctx, s.server.addr, 64, length+time.Second, 200, always(loginRequest(0)))
		})
		wait(ctx, time.Second) // until the storm has filled the queue
		me, err := load(ctx, s.server.addr, 8, length, 200, always(meRequest(s.clients[0].AccessToken)))
		group.Wait()
		logins = append(logins, storm.perSecond())
		return me, errors.Join(err, stormErr)
	}}})
	if err != nil {
		return err
	}
	me := r.of(sqlite)
	p99 := me.percentile(.99)
	b.addGoal(sqlite, "GET /auth/me, 8 connections, 64 logins in flight", describe(me), fmt.Sprintf("logins %.1f/s", median(logins)), "p99 < 60 ms", p99 < 60*time.Millisecond)
	return nil
}
