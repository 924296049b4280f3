package app

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/userfile"
)

// exportBatch is how many accounts are read at a time.
const exportBatch = 1000

// Export writes all accounts.
type Export struct {
	Config         config.Config // of two databases the first is read
	Format         userfile.Format
	WithHashes     bool
	IncludeDeleted bool
	Progress       func(done, total int) // accounts looked at, of about so many
}

// Run writes the accounts in the order of their ids and returns how many there were. It changes nothing and may run beside
// a serving hub: an account that is changed meanwhile is written as it was at some moment of it.
func (e Export) Run(ctx context.Context, to io.Writer) (written int, err error) {
	e.Config.Migrate = false
	db, err := OpenDatabase(ctx, e.Config, Engines(e.Config)[0], false)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	total, err := db.Count(ctx, hub.RecordUser)
	if err != nil {
		return 0, fmt.Errorf("count users: %w", err)
	}
	w, err := userfile.NewWriter(e.Format, to, e.WithHashes)
	if err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	seen := 0
	for q := (hub.ScanQuery{Kind: hub.RecordUser, Limit: exportBatch}); ; {
		records, err := db.Scan(ctx, q)
		if err != nil {
			return written, fmt.Errorf("read users: %w", err)
		}
		if len(records) == 0 {
			return written, w.Flush()
		}
		for _, record := range records {
			if record.User.IsDeleted() && !e.IncludeDeleted {
				continue
			}
			if err := w.Write(record.User); err != nil {
				return written, fmt.Errorf("write: %w", err)
			}
			written++
		}
		q.After = records[len(records)-1].User.ID
		seen += len(records)
		e.Progress(seen, max(total, seen))
	}
}
