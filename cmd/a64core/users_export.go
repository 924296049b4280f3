package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/userfile"
)

type usersExportCommand struct {
	To             string          `arg:"" name:"file" optional:"" help:"File to write. It must not exist. - is the standard output. Left out: a64core-users-<time> here."`
	Format         userfile.Format `enum:"jsonl,csv," default:"" placeholder:"FORMAT" help:"jsonl or csv. Left out: as the file's name ends, else jsonl."`
	WithHashes     bool            `help:"Also write the hashes of the passwords."`
	IncludeDeleted bool            `help:"Also write deleted accounts that are not purged yet."`
	JSON           bool            `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (usersExportCommand) Help() string {
	return `Writes all accounts, one a row, as "users import" reads them, while servers go on; each is written as it is at some moment
meanwhile. The file is readable for its owner only. With the hashes, passwords can be guessed at leisure: keep it as you keep a
backup, and not for long. In CSV, an apostrophe stands before a cell that a spreadsheet would run as a formula, such as a
telephone number with its plus; "users import" takes it away.

Examples:

    a64core users export
    a64core users export users.csv
    a64core users export --with-hashes --include-deleted move.jsonl
    a64core users export - | jq -r .email`
}

// Validate implements the command line's check of the flags.
func (cmd usersExportCommand) Validate() error {
	if cmd.To == standardStream && cmd.JSON {
		return errors.New("--json would answer where the accounts are written: give a file")
	}
	return nil
}

// Run exports.
func (cmd usersExportCommand) Run(ctx context.Context, p *program) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	format := cmd.Format
	if format == "" {
		format = userfile.FormatOf(cmd.To)
	}
	if format == "" {
		format = userfile.JSONLines
	}
	shown := p.progress(cmd.JSON)
	job := app.Export{
		Config: c, Format: format, WithHashes: cmd.WithHashes, IncludeDeleted: cmd.IncludeDeleted,
		Progress: func(done, total int) { shown.step(hub.RecordUser, done, total) },
	}
	to := cmd.To
	if to == "" {
		to = "a64core-users-" + time.Now().UTC().Format("20060102T150405Z") + "." + string(format)
	}
	shown.begin("Exporting users from %s", app.Engines(c)[0])
	if to == standardStream {
		_, err := job.Run(ctx, p.stdout)
		shown.end()
		return err
	}
	written := 0
	err = writeNew(to, func(w io.Writer) (err error) {
		written, err = job.Run(ctx, w)
		return err
	})
	shown.end()
	if err != nil {
		return err
	}
	if cmd.JSON {
		return printJSON(p.stdout, struct {
			Path  string `json:"path"`
			Users int    `json:"users"`
		}{to, written})
	}
	return printText(p.stdout, "Written: %s, %s.\n", to, counted(written, hub.RecordUser))
}
