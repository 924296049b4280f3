package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	minStorm = 10 * time.Second
	storming = 64 // connections that log in
)

// measureStorm asks auth/me while 64 logins are in flight all the time: a thousand times a second, which leaves the cores
// to the logins, and as often as 8 connections can.
func (b *bench) measureStorm(ctx context.Context) error {
	s := b.subject(sqlite)
	if s == nil {
		return nil
	}
	progress("auth/me in a storm of logins")
	length := max(b.duration, minStorm)
	logins := make(results)
	me := always(meRequest(s.clients[0].AccessToken))
	inStorm := func(name string, ask func() (result, error)) turn {
		return turn{name, nil, func() (result, error) {
			asked, done, err := storm(ctx, s.server.addr, length, logsIn, ask)
			logins[name] = append(logins[name], done)
			return asked, err
		}}
	}
	const open, closed = "1,000 a second", "8 connections"
	r, err := takeTurns(min(b.rounds, maxHashing), []turn{
		inStorm(open, func() (result, error) { return loadAtRate(ctx, s.server.addr, 32, 1000, length, 200, me) }),
		inStorm(closed, func() (result, error) { return load(ctx, s.server.addr, 8, length, 200, me) }),
		{rawName, nil, func() (result, error) { return rawBcrypt(length) }},
	})
	if err != nil {
		return err
	}
	logins[rawName] = r[rawName]
	for _, name := range []string{open, closed} {
		asked := row{Mode: sqlite, What: fmt.Sprintf("GET /auth/me, %s, %d logins in flight", name, storming), figures: r.of(name)}
		meanwhile := row{Mode: sqlite, What: asked.What + ": logins", figures: logins.of(name), Than: logins.than(rawName, name, rate)}
		if name == open {
			b.add(asked, atMost(asked.P99, 15, "ms p99"))
			b.add(meanwhile, atLeast(meanwhile.Than.Ratio, .85, "of raw bcrypt"))
			continue
		}
		b.add(asked)
		b.add(meanwhile)
	}
	return nil
}

// storm asks while 64 connections log in, and returns what came of both. The rate of logins is that of what was answered well
// meanwhile.
func storm(ctx context.Context, addr string, length time.Duration, logins func(int) func([]byte) request, ask func() (result, error)) (asked, done result, err error) {
	var (
		group    sync.WaitGroup
		answered atomic.Int64
		loginErr error
	)
	group.Go(func() {
		done, loginErr = load(ctx, addr, storming, length+2*time.Second, 200, func(conn int) func([]byte) request {
			next := logins(conn)
			return func(last []byte) request {
				if last != nil {
					answered.Add(1)
				}
				return next(last)
			}
		})
	})
	wait(ctx, time.Second) // until the storm has filled the queue
	before, began := answered.Load(), time.Now()
	asked, err = ask()
	perSecond := float64(answered.Load()-before) / time.Since(began).Seconds()
	group.Wait()
	if errors.Is(loginErr, errNone) { // which is how some fare
		loginErr = nil
	}
	done.rate = perSecond * share(float64(len(done.latencies)), float64(done.answers()))
	return asked, done, errors.Join(err, loginErr)
}
