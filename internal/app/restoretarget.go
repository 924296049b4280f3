package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// replaceFile fills a new file beside the one of the settings, and puts it in that one's place once it verifies.
func (r Restore) replaceFile(ctx context.Context, done *Restored) (err error) {
	path := r.Target.SQLitePath
	_, err = os.Lstat(path)
	if err == nil && !r.Force {
		return fmt.Errorf("%s: %w", path, ErrNotEmpty)
	}
	stones, err := r.formerlyPurged(ctx, done.Header.Begun)
	if done.Revived = err != nil; ctx.Err() != nil {
		return ctx.Err()
	}
	folder := filepath.Join(filepath.Dir(path), ".a64core-restore") // on the same disk, so that the file can be renamed
	if err := os.RemoveAll(folder); err != nil {                    // of a restore that was killed
		return fmt.Errorf("remove folder: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("create folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	fresh := r.Target
	fresh.SQLitePath = filepath.Join(folder, "restored.db")
	db, err := OpenDatabase(ctx, fresh, config.SQLite, false)
	if err != nil {
		return err
	}
	if err = db.Put(ctx, hub.UnlessOlder, stones...); err == nil {
		err = r.fill(ctx, db, config.SQLite, done)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	done.Kept, err = sqlstore.Replace(ctx, fresh.SQLitePath, path)
	return err
}

// formerlyPurged reads who was purged from the file that is to be replaced. It may be damaged, which is why somebody restores.
func (r Restore) formerlyPurged(ctx context.Context, begun time.Time) (stones []hub.Record, err error) {
	if _, err := os.Stat(r.Target.SQLitePath); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	former := r.Target
	former.Migrate = false
	db, err := OpenDatabase(ctx, former, config.SQLite, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return purgedSince(ctx, db, begun)
}

// purgedSince returns a tombstone of everybody who was purged since the archive was begun, as far as the database remembers.
func purgedSince(ctx context.Context, db hub.Database, begun time.Time) (stones []hub.Record, err error) {
	err = scanAll(ctx, db, hub.RecordTombstone, page, func(some []hub.Record) error {
		stones = append(stones, some...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = scanAll(ctx, db, hub.RecordEvent, page, func(some []hub.Record) error {
		for _, id := range purgedBy(some, begun) {
			stones = append(stones, hub.Record{Tombstone: &hub.Tombstone{UserID: id, Version: lastVersion, PurgedAt: begun}})
		}
		return nil
	})
	return stones, err
}

const (
	// lastVersion is later than any that a user gets to.
	lastVersion = 1 << 40
	// clockSkew exceeds how far the clocks of hubs are apart.
	clockSkew = time.Hour
)

// purgedBy returns the ids of the users who were purged since the archive was begun, if the records are events that say so.
func purgedBy(records []hub.Record, begun time.Time) (ids []string) {
	for _, r := range records {
		if e := r.Event; e != nil && e.Kind == hub.EventUserPurged && e.At.After(begun.Add(-clockSkew)) {
			ids = append(ids, e.TargetID)
		}
	}
	return ids
}

// refillServers fills the databases on servers one after the other. No hub starts on any of them before all are whole.
func (r Restore) refillServers(ctx context.Context, done *Restored) (err error) {
	all, err := openAll(ctx, r.Target, openPart)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, CloseAll(all)) }()
	engines := Engines(r.Target)
	if !r.Force {
		for i, db := range all {
			if empty, err := isEmpty(ctx, db); err != nil {
				return err
			} else if !empty {
				return fmt.Errorf("%s: %w", engines[i], ErrNotEmpty)
			}
		}
	}
	if err := setUnfinished(ctx, all, true); err != nil {
		return err
	}
	for i, db := range all {
		if r.Force {
			r.Begin(fmt.Sprintf("Emptying %s", engines[i]))
			if err := empty(ctx, db, done.Header.Begun); err != nil {
				return fmt.Errorf("empty %s: %w", engines[i], err)
			}
		}
		if err := r.fill(ctx, db, engines[i], done); err != nil {
			return err
		}
	}
	return setUnfinished(ctx, all, false)
}

func setUnfinished(ctx context.Context, all []hub.Database, unfinished bool) error {
	for _, db := range all {
		if err := repeated(ctx, func() error { return db.SetUnfinished(ctx, unfinished) }); err != nil {
			return err
		}
	}
	return nil
}

// filledKinds lists what makes a database not empty, and is erased from it: the users first, without whom nobody can sign in to
// what is left. Tombstones are no more than the memory of what is gone.
func filledKinds() []hub.RecordKind {
	return []hub.RecordKind{hub.RecordUser, hub.RecordSession, hub.RecordMailToken, hub.RecordLockout, hub.RecordMail, hub.RecordEvent}
}

func isEmpty(ctx context.Context, db hub.Database) (bool, error) {
	for _, kind := range filledKinds() {
		if some, err := db.Scan(ctx, hub.ScanQuery{Kind: kind, Limit: 1}); err != nil || len(some) > 0 {
			return false, err
		}
	}
	return true, nil
}

// empty erases everything, and leaves tombstones of whoever was purged since the archive was begun.
func empty(ctx context.Context, db hub.Database, begun time.Time) error {
	stones, err := purgedSince(ctx, db, begun)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(stones, putSize) {
		if err := repeated(ctx, func() error { return db.Put(ctx, hub.UnlessOlder, some...) }); err != nil {
			return err
		}
	}
	for _, kind := range filledKinds() {
		err := scanAll(ctx, db, kind, eraseSize, func(some []hub.Record) error {
			keys := make([]hub.RecordKey, len(some))
			for i := range some {
				keys[i] = some[i].Key()
			}
			return repeated(ctx, func() error { return db.Erase(ctx, keys...) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scanAll hands on all records of a kind, so many at a time.
func scanAll(ctx context.Context, db hub.Database, kind hub.RecordKind, size int, do func([]hub.Record) error) error {
	for q := (hub.ScanQuery{Kind: kind, Limit: size}); ; {
		some, err := db.Scan(ctx, q)
		if err != nil {
			return err
		}
		if len(some) > 0 {
			if err := do(some); err != nil {
				return err
			}
		}
		if len(some) < q.Limit {
			return nil
		}
		q.After = some[len(some)-1].Key().ID
	}
}
