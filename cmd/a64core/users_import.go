package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/userfile"
	"github.com/a64core/hub/internal/users"
)

// maxMistakes is how many mistakes of a file are shown. --report writes all.
const maxMistakes = 100

type usersImportCommand struct {
	File             string          `arg:"" type:"existingfile" help:"The file."`
	Format           userfile.Format `enum:"jsonl,csv," default:"" placeholder:"FORMAT" help:"jsonl or csv. Left out: as the file's name ends."`
	DryRun           bool            `help:"Only say what would be done."`
	OnConflict       users.Conflict  `enum:"fail,skip,update" default:"fail" help:"What to do with a row whose address or id an account has: fail, skip, or update the account."`
	SkipInvalid      bool            `help:"Import the other rows although some are wrong."`
	Report           string          `type:"path" placeholder:"FILE" help:"File to write everything that is wrong into, as JSON Lines."`
	DefaultRole      string          `default:"user" enum:"admin,moderator,user,guest" help:"Role of rows that name none: admin, moderator, user or guest."`
	AllowSuperAdmin  bool            `help:"Rows may make super_admins."`
	SendVerification bool            `help:"Send a verification mail to each new account whose address is not verified."`
	JSON             bool            `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (usersImportCommand) Help() string {
	return `Makes an account of each row of a file in JSON Lines, or in CSV whose first line names the columns. Only "email" is needed,
and for a new account "firstName" and "lastName"; there may be "userId" (a UUID), "role", "isActive", "isEmailVerified", "phone",
"avatar", "timezone", "locale", "metadata" (JSON), "createdAt", "updatedAt", "lastLoginAt", "deletedAt" and "passwordHash": one of
bcrypt, argon2, scrypt or pbkdf2, replaced by ours when its owner signs in. Without one they use "forgot password". The handbook
(docs/operations.md, "Moving users in and out") says how to get such a file out of other systems.

First all rows are checked by the rules of registration, and against each other and the accounts that there are: nothing is
written if any is wrong, unless --skip-invalid is given, and the command exits with 1. If it is interrupted, run it again with the
same file: rows that were imported are left as they are. An update leaves id, times and an existing password alone.

With --json: "rows", "added", "updated", "unchanged", "skipped", "rejected", "written" (false: the numbers say what would be),
and "mistakes", some of them, each with "line", "field" and "message".

Examples:

    a64core users import users.jsonl --dry-run
    a64core users import users.csv --on-conflict skip --default-role guest
    a64core users import users.jsonl --skip-invalid --report rejected.jsonl`
}

// mistake is something that is wrong with a row. It repeats no value.
type mistake struct {
	Line    int    `json:"line"`
	Field   string `json:"field"`
	Message string `json:"message"`
}

// importView is what an import did.
type importView struct {
	Rows      int       `json:"rows"`
	Added     int       `json:"added"`
	Updated   int       `json:"updated"`
	Unchanged int       `json:"unchanged"`
	Skipped   int       `json:"skipped"`
	Rejected  int       `json:"rejected"`
	Written   bool      `json:"written"`
	Mistakes  []mistake `json:"mistakes"`

	found int // mistakes
}

// Run imports.
func (cmd usersImportCommand) Run(ctx context.Context, p *program) (err error) {
	format, err := formatOf(cmd.Format, cmd.File)
	if err != nil {
		return err
	}
	view := importView{Mistakes: []mistake{}}
	report, closeReport, err := cmd.openReport()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReport()) }()
	role, _ := hub.ParseRole(cmd.DefaultRole) // the grammar knows no other
	shown := p.progress(cmd.JSON)
	job := app.Import{
		Path: cmd.File, Format: format, DryRun: cmd.DryRun, SkipInvalid: cmd.SkipInvalid,
		Rules: users.ImportRules{
			OnConflict: cmd.OnConflict, DefaultRole: role, SuperAdmins: cmd.AllowSuperAdmin, SendVerification: cmd.SendVerification,
		},
		Begin: func(what string) { shown.begin("%s %s", what, cmd.File) },
		Progress: func(done, total int) {
			if total > 0 {
				shown.step(hub.RecordUser, done, total)
			}
		},
		Rejected: func(line int, wrong []hub.FieldError) error { return view.add(line, wrong, report) },
	}
	ctx = asOperator(ctx)
	return p.withHub(ctx, func(a *app.App) error {
		made, err := job.Run(ctx, a.Users)
		shown.end()
		view.Rows, view.Added, view.Updated, view.Unchanged = made.Rows, made.Added, made.Updated, made.Unchanged
		view.Skipped, view.Rejected, view.Written = made.Skipped, made.Rejected, made.Written
		if err != nil {
			return view.explain(ctx, err)
		}
		return cmd.print(p, view)
	})
}

func formatOf(given userfile.Format, path string) (userfile.Format, error) {
	if given == "" {
		given = userfile.FormatOf(path)
	}
	if given == "" {
		return "", errors.New("the file's name does not tell its format: give --format jsonl or --format csv")
	}
	return given, nil
}

// openReport opens the report, or nothing if none is asked for.
func (cmd usersImportCommand) openReport() (report *json.Encoder, closeReport func() error, err error) {
	if cmd.Report == "" {
		return nil, func() error { return nil }, nil
	}
	f, err := os.OpenFile(cmd.Report, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("write the report: %w", err)
	}
	w := bufio.NewWriter(f)
	return json.NewEncoder(w), func() error {
		if err := errors.Join(w.Flush(), f.Close()); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		return nil
	}, nil
}

func (v *importView) add(line int, wrong []hub.FieldError, report *json.Encoder) error {
	for _, w := range wrong {
		m := mistake{line, w.Location, w.Message}
		if v.found++; len(v.Mistakes) < maxMistakes {
			v.Mistakes = append(v.Mistakes, m)
		}
		if report == nil {
			continue
		}
		if err := report.Encode(m); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}

// explain says how far an import came that has failed.
func (v *importView) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	if !v.Written {
		return fmt.Errorf("%w: nothing was written", err)
	}
	return fmt.Errorf("%w: %s of %s were added, %s updated; run it again with the same file to go on",
		err, grouped(v.Added), grouped(v.Rows), grouped(v.Updated))
}

// print says what came of it, and fails if nothing was written because of mistakes.
func (cmd usersImportCommand) print(p *program, v importView) error {
	slices.SortStableFunc(v.Mistakes, func(a, b mistake) int { return cmp.Compare(a.Line, b.Line) })
	var failure error
	if v.Rejected > 0 && !cmd.SkipInvalid {
		failure = errReported
	}
	if cmd.JSON {
		return errors.Join(printJSON(p.stdout, v), failure)
	}
	for _, m := range v.Mistakes {
		if err := printText(p.stderr, "line %d: %s: %s\n", m.Line, m.Field, m.Message); err != nil {
			return err
		}
	}
	if more := v.found - len(v.Mistakes); more > 0 {
		if err := printText(p.stderr, "and %s more: --report writes all of them\n", grouped(more)); err != nil {
			return err
		}
	}
	does := "Imported"
	if !v.Written {
		does = "Nothing was written. This would be done"
	}
	err := printText(p.stdout, "%s: %s added, %s updated, %s unchanged, %s skipped, %s rejected, of %s.\n",
		does, grouped(v.Added), grouped(v.Updated), grouped(v.Unchanged), grouped(v.Skipped), grouped(v.Rejected), counted(v.Rows, "row"))
	return errors.Join(err, failure)
}
