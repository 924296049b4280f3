package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/a64core/hub"
)

const (
	fewUsers   = 1000
	growthCost = "4" // of hashing, which would hide everything else
	maxGrowth  = 1.5 // how much slower many users may make what is hot
	listConns  = 8
	listRate   = 500 // a second, at which 99 of 100 pages have to come within the limit
	listLimit  = 5   // milliseconds
	farPage    = 1000
	maxRounds  = 5 // of each load: what adds rows would make few users many

	sweptSessions = 50_000
	sweepLength   = 5 * time.Second
)

// grown is a hub whose database holds a number of users.
type grown struct {
	subject
	db    *database
	users int
	ids   []string // of some
	admin tokens
	added int
}

// measureGrowth compares what is hot in a database of many users with the same in one of few.
func (b *bench) measureGrowth(ctx context.Context) error {
	for _, mode := range b.modes {
		if err := b.measureGrowthOf(ctx, mode); err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
	}
	return nil
}

func (b *bench) measureGrowthOf(ctx context.Context, mode string) (err error) {
	var hubs []*grown
	defer func() {
		for _, g := range hubs {
			err = errors.Join(err, g.server.stop())
		}
	}()
	for _, users := range []int{fewUsers, b.growth} {
		g, err := b.grow(ctx, mode, users)
		if err != nil {
			return err
		}
		hubs = append(hubs, g)
	}
	few, many := hubs[0], hubs[1]
	for _, g := range hubs {
		if err := g.signUp(ctx); err != nil {
			return err
		}
	}
	for _, l := range growthLoads() {
		if err := b.compareGrowth(ctx, mode, hubs, l); err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
	}
	taken := func(g *grown) figures { return figures{Memory: memoryMiB(g.server.cmd, "VmHWM")} }
	b.addGrowth(mode, "memory at most, "+many.size(), taken(many), few.than(taken(few), taken(many), memory))
	for _, g := range hubs { // the first start brought the schema up to date
		if err := b.restart(ctx, g); err != nil {
			return err
		}
	}
	started := func(g *grown) figures { return figures{P50: ms(g.server.started)} }
	b.add(row{Mode: mode, What: "start to first 200, " + many.size(), figures: started(many), Than: few.than(started(few), started(many), p50)})
	if err := b.measureBackup(ctx, many); err != nil {
		return err
	}
	return b.measureSweep(ctx, many)
}

// restart stops the hub and starts it again.
func (b *bench) restart(ctx context.Context, g *grown) error {
	if err := g.server.stop(); err != nil {
		return err
	}
	return b.serveGrown(ctx, g)
}

func (b *bench) serveGrown(ctx context.Context, g *grown) (err error) {
	g.server, err = b.program.serve(ctx, g.db, "BCRYPT_COST="+growthCost, "RATE_LIMIT_ADMIN=0")
	return err
}

// measureSweep refreshes while the hub, which has just started, sweeps sessions that have expired.
func (b *bench) measureSweep(ctx context.Context, g *grown) error {
	progress(fmt.Sprintf("%s: refresh while %d sessions are swept", g.mode, sweptSessions))
	expired := func(i int) []hub.Record {
		then := time.Now().UTC().Truncate(time.Millisecond).Add(-time.Hour)
		token := hub.RefreshToken{ID: hub.NewID(), Hash: hub.NewID(), IssuedAt: then, ExpiresAt: then}
		return []hub.Record{{Session: &hub.Session{ID: hub.NewID(), UserID: g.ids[i%len(g.ids)], CreatedAt: then, ExpiresAt: then, Token: token, Version: 1}}}
	}
	quiet, err := g.refreshFor(ctx, sweepLength)
	if err != nil {
		return err
	}
	if err := g.server.stop(); err != nil {
		return err
	}
	if err := g.into(ctx, func(dbs ...hub.Database) error { return fill(ctx, sweptSessions, expired, dbs...) }); err != nil {
		return err
	}
	if err := b.serveGrown(ctx, g); err != nil {
		return err
	}
	sweeping, err := g.refreshFor(ctx, sweepLength)
	if err != nil {
		return err
	}
	b.add(row{
		Mode: g.mode, What: fmt.Sprintf("refresh while %d sessions are swept, %s", sweptSessions, g.size()), figures: sweeping.figures(),
		Than: &other{Name: "else", figures: quiet.figures(), Ratio: rate.ratio(sweeping.figures(), quiet.figures()), Of: rate},
	})
	return nil
}

// refreshFor refreshes sessions of its own: the answer to the last refresh before is lost, and its grace may be over.
func (g *grown) refreshFor(ctx context.Context, d time.Duration) (result, error) {
	if err := g.signIn(ctx); err != nil {
		return result{}, err
	}
	return load(ctx, g.server.addr, listConns, d, 200, g.refreshes)
}

// grow fills a database with users and starts a hub on it.
func (b *bench) grow(ctx context.Context, mode string, users int) (g *grown, err error) {
	db, err := b.newDatabase(ctx, mode)
	if err != nil {
		return nil, err
	}
	g = &grown{subject: subject{mode: mode}, db: db, users: users}
	if err := g.fill(ctx); err != nil {
		return nil, err
	}
	if err := b.serveGrown(ctx, g); err != nil {
		return nil, err
	}
	answer, err := g.ask(ctx, 200, newRequest("POST", "/api/v1/auth/login", "", []byte(`{"email":"`+adminEmail+`","password":"`+password+`"}`)))
	if err != nil {
		return nil, err
	}
	return g, json.Unmarshal(answer, &g.admin)
}

const adminEmail = "admin@example.com"

// fill fills all databases of the mode with users.
func (g *grown) fill(ctx context.Context) error {
	cost, _ := strconv.Atoi(growthCost)
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	began := time.Now()
	every := max(1, g.users/fewUsers)
	user := func(i int) []hub.Record {
		u := member(i, hash)
		if i%every == 0 {
			g.ids = append(g.ids, u.ID)
		}
		return []hub.Record{{User: u}}
	}
	err = g.into(ctx, func(dbs ...hub.Database) error { return fill(ctx, g.users, user, dbs...) })
	progress(fmt.Sprintf("%s: %d users in %.1f s", g.mode, g.users, time.Since(began).Seconds()))
	return err
}

// into opens all databases of the mode for put.
func (g *grown) into(ctx context.Context, put func(...hub.Database) error) (err error) {
	primary, err := g.db.open(ctx, g.mode == dual)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, primary.Close()) }()
	if g.mode != dual {
		return put(primary)
	}
	secondary, err := g.db.openSecondary(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, secondary.Close()) }()
	return put(primary, secondary)
}

// member returns one of up to some ten million users. The first is an admin. Addresses begin with sixteen letters by turns, and
// go on in order, or a database would be busy for hours with nothing but sorting them in.
func member(i int, hash []byte) *hub.User {
	u := someone(i)
	name := fmt.Sprintf("%x%06x", i%16, i/16)
	u.Email, u.LastName = name+"@example.com", "Lovelace-"+name
	u.CreatedAt, u.IsActive = u.CreatedAt.Add(-time.Duration(i)*30*time.Second), i%40 != 7
	if i == 0 {
		u.Email, u.Role, u.PasswordHash = adminEmail, hub.RoleAdmin, hub.NewSecret(string(hash))
	}
	return u
}

// compareGrowth has both hubs take turns.
func (b *bench) compareGrowth(ctx context.Context, mode string, hubs []*grown, l growthLoad) error {
	progress(mode + ": " + l.what)
	var turns, paced []turn
	for _, g := range hubs {
		next, err := l.next(ctx, g)
		if err != nil {
			return err
		}
		turns = append(turns, turn{g.size(), g.server, func() (result, error) {
			return load(ctx, g.server.addr, listConns, b.duration, l.want, next)
		}})
		paced = append(paced, turn{g.size(), g.server, func() (result, error) {
			return loadAtRate(ctx, g.server.addr, listConns, listRate, b.duration, l.want, next)
		}})
	}
	r, err := takeTurns(min(b.rounds, maxRounds), turns)
	if err != nil {
		return err
	}
	few, many := turns[0].name, turns[1].name
	b.addGrowth(mode, l.what+", "+many, r.of(many), r.than(few, many, p50))
	if !l.isPage {
		return nil
	}
	// How long a page takes does not show where clients ask for as many as the cores can give.
	if r, err = takeTurns(min(b.rounds, maxRounds), paced); err != nil {
		return err
	}
	our := r.of(many)
	b.addGrowth(mode, fmt.Sprintf("%s, %d a second, %s", l.what, listRate, many), our, r.than(few, many, p50), atMost(our.P99, listLimit, "ms p99"))
	return nil
}

// addGrowth adds a row of what must not grow.
func (b *bench) addGrowth(mode, what string, our figures, few *other, more ...goal) {
	b.add(row{Mode: mode, What: what, figures: our, Than: few}, append(more, atMost(share(1, few.Ratio), maxGrowth, "times "+few.Name))...)
}

// size names the hub among what is compared.
func (g *grown) size() string { return number(float64(g.users), " users") }

// than returns what a hub with more users is compared with.
func (g *grown) than(their, our figures, of figure) *other {
	return &other{Name: g.size(), figures: their, Ratio: of.ratio(our, their), Of: of}
}
