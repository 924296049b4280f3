package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

const (
	email    = "bench@example.com"
	password = "Correct-Horse-7-Battery"
	cost     = 12
)

// bench runs all measurements and collects their rows.
type bench struct {
	duration time.Duration
	rounds   int
	rows     []row

	server *process
	floor  *process
	access string
	dir    string
}

func (b *bench) run(ctx context.Context) (err error) {
	b.dir, err = os.MkdirTemp("", "a64core-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	progress("building")
	h, err := buildHub(ctx, b.dir)
	if err != nil {
		return err
	}
	if err := b.measureStart(ctx, h); err != nil {
		return err
	}
	if b.server, err = h.serve(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	answer, err := b.signUp(ctx)
	if err != nil {
		return err
	}
	if b.floor, err = serveFloorProcess(ctx, h.key, answer); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.floor.stop()) }()
	for _, measure := range []func(context.Context) error{b.measureMe, b.measureRefresh, b.measureLogin, b.measureStorm} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }

func (b *bench) add(what, measured, floor, goal string, met bool) {
	b.rows = append(b.rows, row{what, measured, floor, goal, met})
}

// measureStart looks at the binary, and at a start with a database that is there already.
func (b *bench) measureStart(ctx context.Context, h *hub) error {
	progress("starting and idling")
	info, err := os.Stat(h.binary)
	if err != nil {
		return fmt.Errorf("look at the binary: %w", err)
	}
	var starts []time.Duration
	var resident float64
	for i := range b.rounds + 1 {
		p, err := h.serve(ctx)
		if err != nil {
			return err
		}
		if i > 0 { // the first made the database
			starts = append(starts, p.started)
		}
		if i == b.rounds {
			wait(ctx, 2*time.Second) // past the first garbage collections and the workers' first rounds
			resident = p.residentMiB()
		}
		if err := p.stop(); err != nil {
			return err
		}
	}
	started, size := median(starts), float64(info.Size())/1e6
	b.add("binary", fmt.Sprintf("%.1f MB", size), "", "< 45 MB", size < 45)
	b.add("start to first 200", started.Round(time.Millisecond).String(), "", "< 150 ms", started < 150*time.Millisecond)
	b.add("idle resident memory", fmt.Sprintf("%.1f MiB", resident), "", "< 40 MiB", resident < 40)
	return nil
}

// signUp makes the account of the run and returns what auth/me says of it.
func (b *bench) signUp(ctx context.Context) (me []byte, err error) {
	c, err := dial(ctx, b.server.addr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	body, err := json.Marshal(map[string]string{"email": email, "password": password, "firstName": "Ada", "lastName": "Lovelace"})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	if status, answer, err := c.do(newRequest("POST", "/api/v1/auth/register", "", body)); err != nil || status != 201 {
		return nil, fmt.Errorf("register: status %d: %s: %w", status, answer, err)
	}
	tokens, err := logIn(c)
	if err != nil {
		return nil, err
	}
	b.access = tokens.AccessToken
	status, answer, err := c.do(newRequest("GET", "/api/v1/auth/me", b.access, nil))
	if err != nil || status != 200 {
		return nil, fmt.Errorf("auth/me: status %d: %w", status, err)
	}
	return bytes.Clone(answer), nil
}

type tokens struct {
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
}

func loginRequest() request {
	return newRequest("POST", "/api/v1/auth/login", "", []byte(`{"email":"`+email+`","password":"`+password+`"}`))
}

func refreshRequest(token string) request {
	return newRequest("POST", "/api/v1/auth/refresh", "", []byte(`{"refreshToken":"`+token+`"}`))
}

func logIn(c *conn) (t tokens, err error) {
	status, answer, err := c.do(loginRequest())
	if err != nil || status != 200 {
		return t, fmt.Errorf("login: status %d: %s: %w", status, answer, err)
	}
	if err := json.Unmarshal(answer, &t); err != nil {
		return t, fmt.Errorf("decode tokens: %w", err)
	}
	return t, nil
}

// goalConns is the number of connections that the goals for auth/me are about.
const goalConns = 32

func (b *bench) measureMe(ctx context.Context) error {
	for _, conns := range []int{8, goalConns} {
		progress(fmt.Sprintf("auth/me, %d connections", conns))
		var ours, floors []result
		for range b.rounds {
			floor, err := load(ctx, b.floor.addr, conns, b.duration, 200, always(newRequest("GET", "/", b.access, nil)))
			if err != nil {
				return err
			}
			our, err := load(ctx, b.server.addr, conns, b.duration, 200, always(newRequest("GET", "/api/v1/auth/me", b.access, nil)))
			if err != nil {
				return err
			}
			ours, floors = append(ours, our), append(floors, floor)
		}
		our, floor := medianResult(ours), medianResult(floors)
		ratio := our.perSecond() / floor.perSecond()
		tail := float64(our.percentile(.99)) / float64(our.percentile(.5))
		measured, compared := describe(our), describe(floor)+fmt.Sprintf(": ratio %.2f", ratio)
		if conns != goalConns {
			b.add(fmt.Sprintf("GET /auth/me, %d connections", conns), measured, compared, "", true)
			continue
		}
		b.add(fmt.Sprintf("GET /auth/me, %d connections", conns), measured, compared, ">= 0.5 of the floor", ratio >= .5)
		b.add("  its p99 over its p50", fmt.Sprintf("%.1f", tail), fmt.Sprintf("floor %.1f", float64(floor.percentile(.99))/float64(floor.percentile(.5))), "< 10", tail < 10)
	}
	return nil
}

func (b *bench) measureRefresh(ctx context.Context) error {
	const conns = 32
	progress("signing in for refresh")
	sessions := make([]tokens, conns)
	c, err := dial(ctx, b.server.addr)
	if err != nil {
		return err
	}
	for i := range sessions {
		if sessions[i], err = logIn(c); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	progress("refresh")
	var all []result
	for range b.rounds {
		r, err := load(ctx, b.server.addr, conns, b.duration, 200, func(i int) func([]byte) request {
			return func(last []byte) request {
				if last != nil {
					if err := json.Unmarshal(last, &sessions[i]); err != nil {
						return nil
					}
				}
				return refreshRequest(sessions[i].RefreshToken)
			}
		})
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	r := medianResult(all)
	b.add("refresh, 32 connections", describe(r), "", ">= 1500/s", r.perSecond() >= 1500)
	return nil
}

func (b *bench) measureLogin(ctx context.Context) error {
	progress("login and raw bcrypt")
	var ours []result
	var raws []float64
	for range b.rounds {
		raw, err := rawBcrypt(b.duration)
		if err != nil {
			return err
		}
		our, err := load(ctx, b.server.addr, 4*runtime.NumCPU(), b.duration, 200, always(loginRequest()))
		if err != nil {
			return err
		}
		raws, ours = append(raws, raw), append(ours, our)
	}
	our, raw := medianResult(ours), median(raws)
	ratio := our.perSecond() / raw
	b.add("login, bcrypt 12", describe(our), fmt.Sprintf("raw bcrypt %.1f/s: ratio %.2f", raw, ratio), ">= 0.95", ratio >= .95)
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
	progress("auth/me in a storm of logins")
	var all []result
	var logins []float64
	for range b.rounds {
		var storm result
		var stormErr error
		var group sync.WaitGroup
		group.Go(func() {
			storm, stormErr = load(ctx, b.server.addr, 64, b.duration+time.Second, 200, always(loginRequest()))
		})
		wait(ctx, time.Second) // until the storm has filled the queue
		me, err := load(ctx, b.server.addr, 8, b.duration, 200, always(newRequest("GET", "/api/v1/auth/me", b.access, nil)))
		group.Wait()
		if err := errors.Join(err, stormErr); err != nil {
			return err
		}
		all, logins = append(all, me), append(logins, storm.perSecond())
	}
	me := medianResult(all)
	p99 := me.percentile(.99)
	b.add("GET /auth/me, 8 connections, 64 logins in flight", describe(me), fmt.Sprintf("logins %.1f/s", median(logins)), "p99 < 60 ms", p99 < 60*time.Millisecond)
	return nil
}

func describe(r result) string {
	text := fmt.Sprintf("%.0f/s, p50 %.1f ms, p99 %.1f ms", r.perSecond(), ms(r.percentile(.5)), ms(r.percentile(.99)))
	if len(r.statuses) > 1 {
		text += fmt.Sprintf(", statuses %v", r.statuses)
	}
	return text
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median[T time.Duration | float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func medianResult(all []result) result {
	slices.SortFunc(all, func(a, b result) int { return int(a.perSecond() - b.perSecond()) })
	return all[len(all)/2]
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
