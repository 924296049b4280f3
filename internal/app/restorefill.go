package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
)

const (
	// putSize is how many records are put at a time: a server has four seconds for them, however slow its disk is.
	putSize = 500
	// eraseSize is the same for erasing, which takes longer.
	eraseSize = 100
	// tries is how often each is tried.
	tries = 3
)

// fill puts the archive into a database and verifies that. Sessions and mail tokens, which stand in the archive before the
// users to whom they belong, need another turn.
func (r Restore) fill(ctx context.Context, db hub.Database, engine config.Database, done *Restored) error {
	r.Begin(fmt.Sprintf("Restoring into %s", engine))
	f := filling{Restore: r, db: db, begun: done.Header.Begun, totals: done.Trailer.Records, done: make(map[hub.RecordKind]int)}
	if err := f.turn(ctx, func(kind hub.RecordKind) bool { return !isPass(kind) }); err != nil {
		return fmt.Errorf("restore into %s: %w", engine, err)
	}
	if r.KeepSessions {
		if err := f.turn(ctx, isPass); err != nil {
			return fmt.Errorf("restore sessions into %s: %w", engine, err)
		}
	}
	done.LeftOut = f.leftOut
	return r.verify(ctx, db, engine)
}

// isPass reports whether records of the kind let somebody in.
func isPass(kind hub.RecordKind) bool {
	return kind == hub.RecordSession || kind == hub.RecordMailToken
}

// filling is a database that is being filled from an archive.
type filling struct {
	Restore
	db      hub.Database
	begun   time.Time    // when the archive was
	batch   []hub.Record // of one kind
	held    []hub.Record // users who have to wait for their addresses
	leftOut int
	totals  map[hub.RecordKind]int
	done    map[hub.RecordKind]int
}

// turn reads the archive once and puts the records of the wanted kinds.
func (f *filling) turn(ctx context.Context, wanted func(hub.RecordKind) bool) (err error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return fmt.Errorf("open the archive: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = eachRecord(file, f.Keys, func(records []hub.Record) error {
		for _, r := range records {
			kind := r.Key().Kind
			if len(f.batch) == putSize || len(f.batch) > 0 && f.batch[0].Key().Kind != kind {
				if err := f.flush(ctx); err != nil {
					return err
				}
			}
			if wanted(kind) {
				f.batch = append(f.batch, r)
			}
		}
		return ctx.Err()
	})
	if err == nil {
		err = f.flush(ctx)
	}
	if err == nil && len(f.held) > 0 {
		err = fmt.Errorf("put users: %w", hub.ErrDuplicateEmail)
	}
	return err
}

// flush puts the batch.
func (f *filling) flush(ctx context.Context) (err error) {
	if len(f.batch) == 0 {
		return nil
	}
	kind, n := f.batch[0].Key().Kind, len(f.batch)
	switch {
	case kind == hub.RecordUser:
		err = f.putUsers(ctx)
	case isPass(kind):
		err = f.putPasses(ctx)
	default:
		err = f.put(ctx, f.batch)
	}
	if gone := purgedBy(f.batch, f.begun); err == nil && len(gone) > 0 {
		err = f.erase(ctx, gone)
	}
	if err == nil {
		err = f.putHeld(ctx)
	}
	f.batch = f.batch[:0]
	if err != nil {
		return err
	}
	f.done[kind] += n
	f.Progress(kind, f.done[kind], f.totals[kind])
	return nil
}

// putUsers puts users, and keeps aside those who have an address that another still has in the database: that one's later
// state, or tombstone, is in the archive as well.
func (f *filling) putUsers(ctx context.Context) error {
	err := f.put(ctx, f.batch)
	if !errors.Is(err, hub.ErrDuplicateEmail) {
		return err
	}
	for _, r := range f.batch {
		switch err := f.put(ctx, []hub.Record{r}); {
		case errors.Is(err, hub.ErrDuplicateEmail):
			f.held = append(slices.DeleteFunc(f.held, func(h hub.Record) bool { return h.User.ID == r.User.ID }), r)
		case err != nil:
			return err
		}
	}
	return nil
}

// putHeld puts those kept aside, together, since they may trade addresses. They stay aside until that is possible.
func (f *filling) putHeld(ctx context.Context) error {
	if len(f.held) == 0 {
		return nil
	}
	err := f.put(ctx, f.held)
	if errors.Is(err, hub.ErrDuplicateEmail) {
		return nil
	}
	f.held = f.held[:0]
	return err
}

// putPasses puts sessions and mail tokens, but for those of users who were purged.
func (f *filling) putPasses(ctx context.Context) error {
	keys := make([]hub.RecordKey, len(f.batch))
	for i, r := range f.batch {
		keys[i] = hub.RecordKey{Kind: hub.RecordUser, ID: ownerOf(r)}
	}
	slices.SortFunc(keys, func(a, b hub.RecordKey) int { return cmp.Compare(a.ID, b.ID) })
	found, err := f.db.Lookup(ctx, slices.Compact(keys)...)
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(found))
	for _, r := range found {
		there[r.Key().ID] = true
	}
	owned := slices.DeleteFunc(slices.Clone(f.batch), func(r hub.Record) bool { return !there[ownerOf(r)] })
	f.leftOut += len(f.batch) - len(owned)
	return f.put(ctx, owned)
}

// ownerOf returns the id of the user to whom a session or mail token belongs.
func ownerOf(r hub.Record) string {
	if r.Session != nil {
		return r.Session.UserID
	}
	return r.MailToken.UserID
}

// put puts records.
func (f *filling) put(ctx context.Context, records []hub.Record) error {
	return repeated(ctx, func() error { return f.db.Put(ctx, hub.UnlessOlder, records...) })
}

// erase removes users who were purged after the archive took them in, and before it took in the event of that.
func (f *filling) erase(ctx context.Context, ids []string) error {
	keys := make([]hub.RecordKey, len(ids))
	for i, id := range ids {
		keys[i] = hub.RecordKey{Kind: hub.RecordUser, ID: id}
	}
	return repeated(ctx, func() error { return f.db.Erase(ctx, keys...) })
}

// repeated does what can be repeated until the database manages.
func repeated(ctx context.Context, do func() error) (err error) {
	for range tries {
		if err = do(); !errors.Is(err, hub.ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	return err
}
