package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/a64core/hub"
)

// fillers is how many goroutines fill a database.
const fillers = 8

// measureWorker lets users sign up while MySQL is away, and takes the time from the hub's start with both databases until
// nothing waits to be copied any more. Each user comes with the event that tells of them.
func (b *bench) measureWorker(ctx context.Context) (err error) {
	if !slices.Contains(b.modes, dual) {
		return nil
	}
	progress(fmt.Sprintf("adding %d users to be copied", b.backlog))
	db, err := b.newDatabase(ctx, dual)
	if err != nil {
		return err
	}
	secondary, err := db.openSecondary(ctx) // brings its schema up to date, which is not what is measured
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, secondary.Close()) }()
	primary, err := db.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, primary.Close()) }()
	if err := addMarked(ctx, primary, b.backlog); err != nil {
		return err
	}
	var before hub.Backlog
	err = patiently(func() (err error) {
		before, err = primary.Backlog(ctx)
		return err
	})
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("copying %d records", before.Pending))
	server, err := b.program.serve(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	began := time.Now()
	if err := waitForCopies(ctx, primary); err != nil {
		return err
	}
	took := time.Since(began) + server.started
	n, err := secondary.Count(ctx, hub.RecordUser)
	if err != nil {
		return err
	}
	if n != b.backlog {
		return fmt.Errorf("%d users were copied instead of %d", n, b.backlog)
	}
	perSecond := float64(n) / took.Seconds()
	b.add(row{
		Mode: dual, What: "worker copies users, each with an event", figures: figures{PerSecond: perSecond},
		Note: fmt.Sprintf("%d users, %d records in %.1f s, the start included", n, before.Pending, took.Seconds()),
	}, atLeast(perSecond, 2000, "/s"))
	return nil
}

// waitForCopies returns when nothing is marked.
func waitForCopies(ctx context.Context, primary hub.Database) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var marks []hub.Mark
		err := patiently(func() (err error) {
			marks, err = primary.Marks(ctx, time.Now().AddDate(1, 0, 0), 1)
			return err
		})
		if err != nil || len(marks) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// addMarked adds n users as a hub would.
func addMarked(ctx context.Context, to hub.Database, n int) error {
	group, ctx := errgroup.WithContext(ctx)
	for filler := range fillers {
		group.Go(func() error {
			for i := filler; i < n; i += fillers {
				u := someone(i)
				if err := to.AddUser(ctx, *u, hub.NewEvent(ctx, hub.EventUserRegistered, u.ID, u.CreatedAt)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// someone returns a user as many are.
func someone(i int) *hub.User {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return &hub.User{
		ID: hub.NewID(), Email: fmt.Sprintf("someone%07d@example.com", i), PasswordHash: hub.NewSecret("$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"),
		FirstName: "Ada", LastName: fmt.Sprintf("Lovelace %d", i), Role: hub.RoleUser, IsActive: true, IsEmailVerified: true,
		Timezone: "Europe/Berlin", Locale: "en-GB", CreatedAt: now, UpdatedAt: now, Version: 1,
	}
}
