package storetest

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

// FaultyDatabase is a database that fails on cue.
type FaultyDatabase struct {
	*Faulty
	db hub.Database
}

var _ hub.Database = (*FaultyDatabase)(nil)

// NewFaultyDatabase returns a database that does what db does until told to fail.
func NewFaultyDatabase(db hub.Database) *FaultyDatabase { return &FaultyDatabase{NewFaulty(db), db} }

// Marks implements hub.Database.
func (f *FaultyDatabase) Marks(ctx context.Context, before time.Time, limit int) ([]hub.Mark, error) {
	return ask(f.Faulty, "Marks", func() ([]hub.Mark, error) { return f.db.Marks(ctx, before, limit) })
}

// Unmark implements hub.Database.
func (f *FaultyDatabase) Unmark(ctx context.Context, marks ...hub.Mark) error {
	return f.do("Unmark", func() error { return f.db.Unmark(ctx, marks...) })
}

// Backlog implements hub.Database.
func (f *FaultyDatabase) Backlog(ctx context.Context) (hub.Backlog, error) {
	return ask(f.Faulty, "Backlog", func() (hub.Backlog, error) { return f.db.Backlog(ctx) })
}

// Lookup implements hub.Database.
func (f *FaultyDatabase) Lookup(ctx context.Context, keys ...hub.RecordKey) ([]hub.Record, error) {
	return ask(f.Faulty, "Lookup", func() ([]hub.Record, error) { return f.db.Lookup(ctx, keys...) })
}

// Scan implements hub.Database.
func (f *FaultyDatabase) Scan(ctx context.Context, q hub.ScanQuery) ([]hub.Record, error) {
	return ask(f.Faulty, "Scan", func() ([]hub.Record, error) { return f.db.Scan(ctx, q) })
}

// Snapshot implements hub.Database. The view itself does not fail.
func (f *FaultyDatabase) Snapshot(ctx context.Context) (hub.Snapshot, error) {
	return ask(f.Faulty, "Snapshot", func() (hub.Snapshot, error) { return f.db.Snapshot(ctx) })
}

// Count implements hub.Database.
func (f *FaultyDatabase) Count(ctx context.Context, kind hub.RecordKind) (int, error) {
	return ask(f.Faulty, "Count", func() (int, error) { return f.db.Count(ctx, kind) })
}

// Put implements hub.Database.
func (f *FaultyDatabase) Put(ctx context.Context, rule hub.PutRule, records ...hub.Record) error {
	return f.do("Put", func() error { return f.db.Put(ctx, rule, records...) })
}

// Erase implements hub.Database.
func (f *FaultyDatabase) Erase(ctx context.Context, keys ...hub.RecordKey) error {
	return f.do("Erase", func() error { return f.db.Erase(ctx, keys...) })
}

// Pool implements hub.Database.
func (f *FaultyDatabase) Pool() hub.Pool { return f.db.Pool() }

// SetUnfinished implements hub.Database.
func (f *FaultyDatabase) SetUnfinished(ctx context.Context, unfinished bool) error {
	return f.do("SetUnfinished", func() error { return f.db.SetUnfinished(ctx, unfinished) })
}

// Unfinished implements hub.Database.
func (f *FaultyDatabase) Unfinished(ctx context.Context) (bool, error) {
	return ask(f.Faulty, "Unfinished", func() (bool, error) { return f.db.Unfinished(ctx) })
}

// About implements hub.Database.
func (f *FaultyDatabase) About(ctx context.Context) (hub.About, error) {
	return ask(f.Faulty, "About", func() (hub.About, error) { return f.db.About(ctx) })
}

// Verify implements hub.Database.
func (f *FaultyDatabase) Verify(ctx context.Context) ([]string, error) {
	return ask(f.Faulty, "Verify", func() ([]string, error) { return f.db.Verify(ctx) })
}
