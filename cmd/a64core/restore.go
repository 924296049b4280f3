package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
)

type restoreCommand struct {
	From string `arg:"" help:"The archive; - for standard input."`
	unlockFlags
	Force        bool `help:"Replace what the database holds. A SQLite file is kept beside the new one under another name."`
	KeepSessions bool `help:"Leave everybody signed in who was when the archive was made."`
	JSON         bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (restoreCommand) Help() string {
	return `Checks the whole archive first, then puts it into the database that the settings name, of whatever engine, and verifies that. No
hub may be serving. The database must be empty, or --force is given. A SQLite file is made anew beside the old one and takes its place in
the end: whatever fails before changes nothing. A database on a server is emptied and filled; if that is interrupted, run it again
with --force before a hub is started.

Everybody has to sign in anew, and links that were mailed are void: sessions ended and links used since the archive was made
would work again. With --keep-sessions they do; then change SECRET_KEY if the archive is not of the last minutes. Mails that were
still to be sent are sent. With --force, whoever was purged within the last week does not come back: the database remembers.

Examples:

    a64core restore a64core-20260102T030405Z.a64
    a64core restore a64core-20260102T030405Z.a64 --database mysql --identity key.txt
    a64core restore --force --keep-sessions a64core-20260102T030405Z.a64`
}

// Run restores.
func (cmd restoreCommand) Run(ctx context.Context, p *program) (err error) {
	c, err := p.settings()
	if err != nil {
		return err
	}
	keys, err := cmd.keys(p)
	if err != nil {
		return err
	}
	path, drop, err := cmd.spool(ctx, p)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, drop()) }()
	shown := p.progress(cmd.JSON)
	done, err := app.Restore{
		Target: c, Path: path, Keys: keys, Force: cmd.Force, KeepSessions: cmd.KeepSessions,
		Begin: func(what string) { shown.begin("%s", what) }, Progress: shown.step,
	}.Run(ctx)
	shown.end()
	switch {
	case ctx.Err() != nil && err != nil:
		return errors.New("interrupted: a database on a server may hold a part; run it again with --force")
	case errors.Is(err, app.ErrNotEmpty):
		return fmt.Errorf("%w: use --force to put the archive in the place of what it holds", err)
	case err != nil:
		return explainArchive(err)
	}
	return cmd.print(p, c, done)
}

// spool copies standard input into a file, since an archive is read more than once, and returns what removes that.
func (cmd restoreCommand) spool(ctx context.Context, p *program) (path string, drop func() error, err error) {
	if cmd.From != standardStream {
		return cmd.From, func() error { return nil }, nil
	}
	file, err := os.CreateTemp("", "a64core-*.a64") // of mode 0600
	if err != nil {
		return "", nil, fmt.Errorf("keep the archive: %w", err)
	}
	drop = func() error { return os.Remove(file.Name()) }
	_, err = io.Copy(file, untilDone{ctx, p.stdin})
	if err = errors.Join(err, file.Close()); err != nil {
		return "", nil, errors.Join(fmt.Errorf("keep the archive: %w", err), drop())
	}
	return file.Name(), drop, nil
}

func (cmd restoreCommand) print(p *program, c config.Config, done app.Restored) error {
	if cmd.JSON {
		return printJSON(p.stdout, struct {
			Database     config.Database `json:"database"`
			Users        int             `json:"users"`
			Kept         string          `json:"kept,omitempty"`
			KeptSessions bool            `json:"keptSessions"`
			LeftOut      int             `json:"leftOut"`
			archiveView
		}{c.Database, done.Users, done.Kept, cmd.KeepSessions, done.LeftOut, viewArchive(done.Archived)})
	}
	text := ""
	if done.Kept != "" {
		text = fmt.Sprintf("The former database is now %s.\n", done.Kept)
	}
	if done.Revived {
		text += "It cannot be read: look whether anybody is back who was purged since the archive was made.\n"
	}
	text += fmt.Sprintf("Restored into %s: the state of %s, with %s. It verifies.\n", c.Database, done.Header.Begun.Local().Format("2006-01-02 15:04:05"), contents(done.Trailer.Records))
	if !cmd.KeepSessions {
		text += "Sessions and mail tokens were left out: everybody signs in anew.\n"
	}
	return printText(p.stdout, "%s", text)
}
