package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/archive"
)

// backupCommands make and check archives. "a64core backup FILE" makes one.
type backupCommands struct {
	Create backupCreateCommand `cmd:"" default:"withargs" help:"Write everything into an archive; what \"a64core backup\" does."`
	Verify backupVerifyCommand `cmd:"" help:"Check that an archive is whole; exits with 1 if not."`
}

type backupCreateCommand struct {
	To        string   `arg:"" optional:"" help:"File to write, which must not exist, or a folder for a64core-<time>.a64; - for standard output. Left out: that file here."`
	Recipient []string `placeholder:"AGE1..." help:"Encrypt for the holder of this public key of age; may be given more than once."`
	passphraseFlag
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (backupCreateCommand) Help() string {
	return `Writes all users, sessions, mails and events of the database into one compressed file while hubs go on serving, whichever database
that is; of dual, the one that decides. Every change that was acknowledged before it began is in it. The file comes to be when it is
whole, and is readable for its owner only. It holds password hashes: encrypt it, for a recipient whose secret key is elsewhere
("age-keygen" makes both), or by a passphrase from --passphrase-file or BACKUP_PASSPHRASE.

With --json: "path", "bytes", "sha256" of the content, "records" by kind, and where it comes from.

Examples:

    a64core backup
    a64core backup /var/backups/a64core-$(date +%F).a64 --recipient age1...
    a64core backup create - --passphrase-file /etc/a64core/backup.pass | ssh vault 'cat > a64core.a64'`
}

// Validate implements the command line's check of the flags.
func (cmd backupCreateCommand) Validate() error {
	if cmd.To == standardStream && cmd.JSON {
		return errors.New("--json needs a file: standard output takes the archive")
	}
	if len(cmd.Recipient) > 0 && cmd.PassphraseFile != "" {
		return errors.New("--recipient and --passphrase-file do not go together")
	}
	return nil
}

// Run backs up.
func (cmd backupCreateCommand) Run(ctx context.Context, p *program) error {
	c, err := p.untouched()
	if err != nil {
		return err
	}
	to := cmd.To
	if info, err := os.Stat(to); to == "" || err == nil && info.IsDir() {
		to = filepath.Join(to, "a64core-"+time.Now().UTC().Format("20060102T150405Z")+".a64")
	}
	shown := p.progress(cmd.JSON)
	job := app.Backup{Source: c, Version: readBuild().Version, Progress: shown.step}
	job.Begin = func() { shown.begin("Backing up %s", app.Engines(c)[0]) }
	if job.Locks, err = cmd.locks(c.BackupPassphrase); err != nil {
		return err
	}
	var done app.Archived
	var size counter
	write := func(w io.Writer) (err error) {
		done, err = job.Run(ctx, io.MultiWriter(w, &size))
		return err
	}
	if to == standardStream {
		err = write(p.stdout)
	} else {
		err = writeNew(to, write)
	}
	shown.end()
	if err != nil {
		return fmt.Errorf("back up: %w", interrupted(ctx, err))
	}
	return cmd.print(p, to, int64(size), done)
}

// locks returns what the archive is encrypted for.
func (cmd backupCreateCommand) locks(setting hub.Secret) (archive.Locks, error) {
	if len(cmd.Recipient) > 0 {
		return archive.ParseLocks(cmd.Recipient)
	}
	passphrase, err := cmd.passphrase(setting)
	if err != nil || passphrase.IsZero() {
		return nil, err
	}
	return archive.PassphraseLock(passphrase)
}

func (cmd backupCreateCommand) print(p *program, to string, size int64, done app.Archived) error {
	if cmd.JSON {
		return printJSON(p.stdout, struct {
			Path  string `json:"path"`
			Bytes int64  `json:"bytes"`
			archiveView
		}{to, size, viewArchive(done)})
	}
	w := p.stdout
	if to == standardStream {
		w = p.stderr
	}
	return printText(w, "Written: %s, %s: %s.\n", to, megabytes(size), contents(done.Trailer.Records))
}

// counter counts what is written.
type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// archiveView is an archive in JSON.
type archiveView struct {
	SHA256      string                 `json:"sha256"`
	Hub         string                 `json:"hub"`
	Engine      string                 `json:"engine"`
	Schema      int64                  `json:"schema"`
	Begun       time.Time              `json:"begun"`
	Ended       time.Time              `json:"ended"`
	AtOneMoment bool                   `json:"atOneMoment"`
	Records     map[hub.RecordKind]int `json:"records"`
}

func viewArchive(a app.Archived) archiveView {
	return archiveView{
		SHA256: a.Sum, Hub: a.Header.Hub, Engine: a.Header.Engine, Schema: a.Header.Schema,
		Begun: a.Header.Begun, Ended: a.Trailer.Ended, AtOneMoment: a.Header.AtOneMoment, Records: a.Trailer.Records,
	}
}

// contents lists how many records of each kind there are, for people.
func contents(records map[hub.RecordKind]int) string {
	text := ""
	for _, kind := range hub.RecordKinds() {
		if n := records[kind]; n > 0 {
			text += ", " + counted(n, kind)
		}
	}
	if text == "" {
		return "no records"
	}
	return text[len(", "):]
}

type backupVerifyCommand struct {
	File string `arg:"" help:"The archive; - for standard input."`
	unlockFlags
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (backupVerifyCommand) Help() string {
	return `Reads the whole archive, checks every sum and every record, and what has to hold among the records. It needs no database. That a
backup can be restored is proved by restoring it: see "a64core restore".

Examples:

    a64core backup verify a64core-20260102T030405Z.a64
    a64core backup verify a64core-20260102T030405Z.a64 --identity key.txt --json`
}

// Run verifies.
func (cmd backupVerifyCommand) Run(ctx context.Context, p *program) error {
	keys, err := cmd.keys(p)
	if err != nil {
		return err
	}
	in := p.stdin
	if cmd.File != standardStream {
		file, err := os.Open(cmd.File)
		if err != nil {
			return fmt.Errorf("open the archive: %w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	shown := p.progress(cmd.JSON)
	shown.begin("Checking %s", cmd.File)
	done, err := app.CheckArchive(untilDone{ctx, in}, keys, shown.step)
	shown.end()
	if err != nil {
		return explainArchive(interrupted(ctx, err))
	}
	return cmd.print(p, done)
}

func (cmd backupVerifyCommand) print(p *program, done app.Checked) error {
	whole := len(done.Findings) == 0
	var err error
	if cmd.JSON {
		err = printJSON(p.stdout, struct {
			Whole    bool     `json:"whole"`
			Findings []string `json:"findings"`
			Users    int      `json:"users"`
			archiveView
		}{whole, append([]string{}, done.Findings...), done.Users, viewArchive(done.Archived)})
	} else {
		h := done.Header
		text := fmt.Sprintf("Written by a64core %s from %s (schema %d) at %s: %s.\n", h.Hub, h.Engine, h.Schema, h.Begun.Format(time.RFC3339), contents(done.Trailer.Records))
		for _, f := range done.Findings {
			text += f + "\n"
		}
		if whole {
			text += "The archive is whole.\n"
		}
		err = printText(p.stdout, "%s", text)
	}
	if err == nil && !whole {
		err = errReported
	}
	return err
}

// untilDone reads until ctx ends.
type untilDone struct {
	ctx context.Context // of one call
	io.Reader
}

func (r untilDone) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b)
}

// explainArchive adds what to do about a file that is no archive.
func explainArchive(err error) error {
	if errors.Is(err, archive.ErrNotAnArchive) {
		return fmt.Errorf(`%w. A copy of a SQLite file is no archive: use "a64core store copy --from sqlite --from-path FILE"`, err)
	}
	return err
}
