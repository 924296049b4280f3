package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/a64core/hub"
)

const (
	fillBatch = 1000

	// What verifying a million users may take; the time as a rate, so that fewer can be verified.
	verifyUsers  = 1_000_000
	verifyTime   = 60 * time.Second
	verifyMemory = 200 // MiB
)

// measureVerify verifies two databases that hold the same users, and does so again after one field was changed.
func (b *bench) measureVerify(ctx context.Context) (err error) {
	if !slices.Contains(b.modes, dual) {
		return nil
	}
	db, err := b.newDatabase(ctx, dual)
	if err != nil {
		return err
	}
	secondary, err := db.openSecondary(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, secondary.Close()) }()
	primary, err := db.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, primary.Close()) }()
	var last *hub.User
	err = fill(ctx, b.users, func(i int) []hub.Record {
		last = someone(i)
		return []hub.Record{{User: last}}
	}, primary, secondary)
	if err != nil {
		return err
	}
	progress(fmt.Sprintf("verifying %d users", b.users))
	same, err := b.program.verify(ctx, db)
	if err != nil {
		return err
	}
	changed := *last
	changed.FirstName = "Augusta"
	if err := secondary.Put(ctx, hub.Always, hub.Record{User: &changed}); err != nil {
		return err
	}
	progress("verifying them again, one field changed")
	differs, err := b.program.verify(ctx, db)
	if err != nil {
		return err
	}
	n := same.Comparison.Compared[hub.RecordUser]
	perSecond := float64(n) / same.took.Seconds()
	b.add(row{
		Mode: dual, What: "store verify, users", figures: figures{PerSecond: perSecond, Memory: same.mib},
		Note: fmt.Sprintf("%d users in %.1f s", n, same.took.Seconds()),
	}, atLeast(perSecond, math.Ceil(verifyUsers/verifyTime.Seconds()), "/s"), atMost(same.mib, verifyMemory, "MiB"), goal{"finds all whole", same.Whole && n == b.users})
	found := differs.Comparison.Differences
	named := len(found) == 1 && found[0].ID == last.ID && slices.Equal(found[0].Fields, []string{"firstName"})
	b.add(row{Mode: dual, What: "store verify, one field changed", Note: strings.Join(differs.found(), "; ")}, goal{"names it", named})
	return nil
}

// fill puts what make returns for each number below n into all databases. It calls make in turn.
func fill(ctx context.Context, n int, make func(i int) []hub.Record, into ...hub.Database) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fillers)
	var done atomic.Int64
	for begin := 0; begin < n && ctx.Err() == nil; begin += fillBatch {
		end := min(n, begin+fillBatch)
		var records []hub.Record
		for i := begin; i < end; i++ {
			records = append(records, make(i)...)
		}
		group.Go(func() error {
			for _, db := range into {
				if err := patiently(func() error { return db.Put(ctx, hub.UnlessOlder, records...) }); err != nil {
					return err
				}
			}
			if filled := done.Add(int64(end - begin)); filled%(int64(n)/10/fillBatch*fillBatch+fillBatch) == 0 {
				progress(fmt.Sprintf("filled in %d users of %d", filled, n))
			}
			return nil
		})
	}
	return group.Wait()
}
