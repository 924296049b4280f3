package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/archive"
	"github.com/a64core/hub/internal/config"
)

// page is how many records are read at a time.
const page = 1000

// Backup writes everything into an archive while hubs go on serving. ADR 11 says what it promises.
type Backup struct {
	Source   config.Config // of two databases, the one that decides is read
	Version  string        // of this program
	Locks    archive.Locks
	Begin    func()                                     // is told when the database was opened
	Progress func(kind hub.RecordKind, done, total int) // of about so many
}

// Archived says what an archive holds.
type Archived struct {
	Header  archive.Header
	Trailer archive.Trailer
	Sum     string // over the archive before it is encrypted
}

// readingOrder lists the kinds as a backup reads them where it cannot see one moment. What gives a record its force is read
// after it: a session that was read before its user is dead in the archive if the user ended it meanwhile, and an event that
// was read after what it tells is there. So users who were purged meanwhile are known in the end: by their tombstones, or by the
// events where a single database keeps none.
func readingOrder() []hub.RecordKind {
	return []hub.RecordKind{
		hub.RecordSession, hub.RecordMailToken, hub.RecordLockout, hub.RecordUser, hub.RecordMail, hub.RecordEvent, hub.RecordTombstone,
	}
}

// Run writes the archive to w. It changes nothing in the database.
func (b Backup) Run(ctx context.Context, w io.Writer) (done Archived, err error) {
	b.Source.Migrate = false
	engine := Engines(b.Source)[0]
	db, err := OpenDatabase(ctx, b.Source, engine, b.Source.Database == config.Dual)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	about, err := db.About(ctx)
	if err != nil {
		return done, fmt.Errorf("look at the database: %w", err)
	}
	b.Begin()
	begun := time.Now().UTC().Truncate(time.Millisecond)
	view, err := db.Snapshot(ctx)
	if err != nil {
		return done, fmt.Errorf("read the database: %w", err)
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	done.Header = archive.Header{
		Hub: b.Version, Engine: about.Engine, Product: about.Product, Schema: about.Schema, Begun: begun, AtOneMoment: view.AtOneMoment(),
	}
	locked, err := archive.Lock(w, b.Locks)
	if err != nil {
		return done, err
	}
	out, err := archive.NewWriter(locked, done.Header)
	if err != nil {
		return done, err
	}
	r := reading{Backup: b, db: db, view: view, out: out, query: hub.ScanQuery{Limit: page, Live: begun, Keep: Retention(b.Source)}}
	for _, kind := range readingOrder() {
		err := r.catchUp(ctx, kind)
		if err == nil {
			err = r.read(ctx, kind)
		}
		if err != nil {
			return done, fmt.Errorf("back up records of the kind %s: %w", kind, err)
		}
	}
	done.Trailer, err = out.Close(time.Now().UTC().Truncate(time.Millisecond))
	done.Sum = out.Sum()
	if err != nil {
		return done, err
	}
	if err := locked.Close(); err != nil {
		return done, fmt.Errorf("encrypt: %w", err)
	}
	return done, nil
}

// reading is a backup under way.
type reading struct {
	Backup
	db    hub.Database
	view  hub.Snapshot
	out   *archive.Writer
	query hub.ScanQuery // but for the kind and the place
}

// catchUp makes sure, after the users were read, that the mails and events of every change that was seen are where they belong.
func (r *reading) catchUp(ctx context.Context, kind hub.RecordKind) error {
	if kind != hub.RecordMail || r.view.AtOneMoment() {
		return nil
	}
	view, err := r.db.Snapshot(ctx)
	if err == nil {
		err = view.Close() // it reads what the first one reads
	}
	return err
}

func (r *reading) read(ctx context.Context, kind hub.RecordKind) error {
	total, err := r.db.Count(ctx, kind)
	if err != nil {
		return err
	}
	add := r.out.Add
	var users *userPages
	if kind == hub.RecordUser && !r.view.AtOneMoment() {
		users = newUserPages(r)
		add = func(records ...hub.Record) error { return users.add(ctx, records) }
	}
	q, done := r.query, 0
	q.Kind = kind
	for {
		records, err := r.view.Scan(ctx, q)
		if err != nil {
			return err
		}
		if err := add(records...); err != nil {
			return err
		}
		done += len(records)
		r.Progress(kind, done, max(done, total))
		if len(records) < q.Limit {
			break
		}
		q.After = records[len(records)-1].Key().ID
	}
	if users != nil {
		return users.settle(ctx)
	}
	return nil
}
