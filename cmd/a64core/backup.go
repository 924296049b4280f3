package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/a64core/hub/internal/store/sqlstore"
)

type backupCommand struct {
	To   string `arg:"" optional:"" type:"path" help:"File to write. It must not exist. Left out: a64core-<time>.db here."`
	JSON bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (backupCommand) Help() string {
	return `Writes the whole SQLite database, as it is at one moment, into a new file, while servers go on. The file holds password
hashes: it is readable for its owner only; keep it so. MongoDB and MySQL have tools of their own: mongodump and mysqldump.

Examples:

    a64core backup
    a64core backup /var/backups/a64core-$(date +%F).db`
}

// Run backs up.
func (cmd backupCommand) Run(ctx context.Context, p *program) error {
	to := cmd.To
	if to == "" {
		to = "a64core-" + time.Now().UTC().Format("20060102T150405Z") + ".db"
	}
	c, err := p.fileSettings("backup")
	if err != nil {
		return err
	}
	return p.withFile(ctx, c, func(s *sqlstore.Store) error {
		if !cmd.JSON {
			if err := printText(p.stderr, "copying %s ...\n", c.SQLitePath); err != nil {
				return err
			}
		}
		if err := s.Backup(ctx, to); err != nil {
			return err
		}
		file, err := os.Stat(to)
		if err != nil {
			return fmt.Errorf("look at the backup: %w", err)
		}
		if cmd.JSON {
			return printJSON(p.stdout, struct {
				Path  string `json:"path"`
				Bytes int64  `json:"bytes"`
			}{to, file.Size()})
		}
		return printText(p.stdout, "Written: %s, %s.\n", to, megabytes(file.Size()))
	})
}

type restoreCommand struct {
	From  string `arg:"" type:"existingfile" help:"The backup."`
	Force bool   `help:"Replace the present database, which is kept beside it under another name."`
	JSON  bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (restoreCommand) Help() string {
	return `Checks the backup and puts a copy of it in the place of the SQLite database. No server may be running. Sessions that have
ended since the backup was made would live again: change SECRET_KEY, without SECRET_KEY_PREVIOUS, and everybody signs in anew.

Examples:

    a64core restore a64core-20260102T030405Z.db
    a64core restore --force a64core-20260102T030405Z.db`
}

// Run restores.
func (cmd restoreCommand) Run(ctx context.Context, p *program) (err error) {
	c, err := p.fileSettings("restore")
	if err != nil {
		return err
	}
	if !cmd.JSON {
		if err := printText(p.stderr, "checking and copying %s ...\n", cmd.From); err != nil {
			return err
		}
	}
	kept, err := sqlstore.Restore(ctx, cmd.From, c.SQLitePath, cmd.Force)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: use --force to put the backup in its place", c.SQLitePath)
	}
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(p.stdout, struct {
			Path string `json:"path"`
			Kept string `json:"kept,omitempty"`
		}{c.SQLitePath, kept})
	}
	if kept != "" {
		if err := printText(p.stdout, "The former database is now %s.\n", kept); err != nil {
			return err
		}
	}
	return printText(p.stdout, "Restored: %s.\n", c.SQLitePath)
}
