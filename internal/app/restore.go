package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/archive"
	"github.com/a64core/hub/internal/config"
)

// ErrNotEmpty refuses to restore into a database that holds something.
var ErrNotEmpty = errors.New("the database is not empty")

// Restore puts an archive into the databases that the settings name, which no hub may be serving from. It first reads all of the
// archive, and touches nothing if that is not whole.
type Restore struct {
	Target config.Config
	Path   string // of the archive
	Keys   archive.Keys
	// Force replaces what the databases hold. Tombstones stay: whoever was purged of late does not come back.
	Force bool
	// KeepSessions also restores sessions and the mail tokens that wait to be used. Those that were ended or used since the
	// archive was made would live again.
	KeepSessions bool

	Begin    func(what string)                          // is told what begins
	Progress func(kind hub.RecordKind, done, total int) // of so many
}

// Restored says what came of restoring.
type Restored struct {
	Checked
	Kept    string // new name of the SQLite file that was replaced; empty: there was none
	Revived bool   // the database that was replaced could not be read, so that whoever was purged of late is back
	LeftOut int    // sessions and mail tokens of users who were purged while the archive was made
}

// Checked says what an archive was found to hold.
type Checked struct {
	Archived
	Users    int      // each counted once
	Findings []string // what does not hold among the records
}

// CheckArchive reads a whole archive, and proves its sums, its records, and what has to hold among them. Progress is told how
// many records were read.
func CheckArchive(r io.Reader, keys archive.Keys, progress func(kind hub.RecordKind, done, total int)) (done Checked, err error) {
	check := archive.NewCheck()
	counts := make(map[hub.RecordKind]int)
	done.Archived, err = eachRecord(r, keys, func(records []hub.Record) error {
		check.Add(records...)
		for _, r := range records {
			counts[r.Key().Kind]++
		}
		kind := records[len(records)-1].Key().Kind
		progress(kind, counts[kind], counts[kind])
		return nil
	})
	if err == nil {
		done.Users, done.Findings = check.Users(), check.Findings()
	}
	return done, err
}

// eachRecord reads an archive to its end.
func eachRecord(r io.Reader, keys archive.Keys, do func([]hub.Record) error) (done Archived, err error) {
	in, err := archive.Open(r, keys)
	if err != nil {
		return done, err
	}
	done.Header = in.Header()
	for {
		records, err := in.Next()
		if errors.Is(err, io.EOF) {
			done.Trailer, done.Sum = in.Trailer(), in.Sum()
			return done, nil
		}
		if err != nil {
			return done, err
		}
		if err := do(records); err != nil {
			return done, err
		}
	}
}

// Run restores. It may be run again with Force after it was interrupted: a server's database holds a part of the archive then,
// and a SQLite file is as it was.
func (r Restore) Run(ctx context.Context) (done Restored, err error) {
	r.Begin("Checking " + r.Path)
	file, err := os.Open(r.Path)
	if err != nil {
		return done, fmt.Errorf("open the archive: %w", err)
	}
	done.Checked, err = CheckArchive(file, r.Keys, r.Progress)
	if err = errors.Join(err, file.Close()); err != nil {
		return done, err
	}
	if len(done.Findings) > 0 {
		return done, fmt.Errorf("%w: %s", archive.ErrDamaged, done.Findings[0])
	}
	r.Target.Migrate = true
	if r.Target.Database == config.SQLite {
		return done, r.replaceFile(ctx, &done)
	}
	return done, r.refillServers(ctx, &done)
}

// verify looks at a database that was filled.
func (r Restore) verify(ctx context.Context, db hub.Database, engine config.Database) error {
	r.Begin(fmt.Sprintf("Verifying %s", engine))
	findings, err := db.Verify(ctx)
	if err != nil {
		return fmt.Errorf("verify %s: %w", engine, err)
	}
	if len(findings) > 0 {
		return fmt.Errorf("%s was filled and does not verify (%d findings): %s", engine, len(findings), findings[0])
	}
	return nil
}
