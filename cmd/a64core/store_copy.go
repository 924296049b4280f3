package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
)

type storeCopyCommand struct {
	From      config.Database `required:"" enum:"sqlite,mongodb,mysql" placeholder:"DATABASE" help:"Database to copy: sqlite, mongodb or mysql, as the settings say where each is."`
	To        config.Database `required:"" enum:"sqlite,mongodb,mysql,dual" placeholder:"DATABASE" help:"Database to copy to: sqlite, mongodb, mysql, or dual for both MongoDB and MySQL."`
	FromPath  string          `type:"existingfile" placeholder:"FILE" help:"With --from sqlite: the file to copy. Left out: the one of the settings."`
	Overwrite bool            `help:"Also replace records that are newer in the target."`
	Erase     bool            `help:"Also remove records from the target that are not in the source."`
	JSON      bool            `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (storeCopyCommand) Help() string {
	return `Copies everything, brings the target's schema up to date first, and compares both at the end: it exits with 1 and names what
differs. It may be interrupted and run again: what is equal is only compared. It may run while a hub still serves from the
source: run it once meanwhile, which takes long, and once more when the hub was stopped, which does not; then start the hub on
the target. No hub may serve from the target.

To grow from a single file to two databases, set MONGODB_URL, MYSQL_HOST and what goes with them, copy --from sqlite --to dual,
and start the hub with DATABASE=dual. After a time on MySQL alone because MongoDB had failed, go back with --from mysql --to
mongodb: what MongoDB had acknowledged and could not hand over any more is newer there, and left; --overwrite replaces it.

With --json: "from", and "targets", each with "database", "written", "removed", and "comparison" as "store verify" has it.

Examples:

    a64core store copy --from sqlite --to dual
    a64core store copy --from sqlite --from-path /var/lib/a64core/a64core.db --to mysql
    a64core store copy --from mysql --to mongodb --overwrite --erase`
}

// Validate implements the command line's check of the flags.
func (cmd storeCopyCommand) Validate() error {
	switch {
	case cmd.FromPath != "" && cmd.From != config.SQLite:
		return errors.New("--from-path goes with --from sqlite")
	case cmd.From == cmd.To && cmd.From != "" && cmd.FromPath == "":
		return errors.New("--from and --to are the same database")
	case cmd.To == config.Dual && cmd.From == config.MongoDB:
		return errors.New("dual holds the same MongoDB: use --to mysql")
	case cmd.To == config.Dual && cmd.From == config.MySQL:
		return errors.New("dual holds the same MySQL: use --to mongodb")
	}
	return nil
}

// copyView is what "store copy" did with one target.
type copyView struct {
	Database   config.Database `json:"database"`
	Written    int             `json:"written"`
	Removed    int             `json:"removed"`
	Comparison *drift          `json:"comparison"`

	ahead, extra int
}

// Run copies.
func (cmd storeCopyCommand) Run(ctx context.Context, p *program) error {
	job, err := cmd.job(p)
	if err != nil {
		return err
	}
	shown := p.progress(cmd.JSON)
	var views []*copyView
	last := func(target config.Database) *copyView {
		if n := len(views); n > 0 && views[n-1].Database == target {
			return views[n-1]
		}
		views = append(views, &copyView{Database: target, Comparison: newDrift(cmd.From, target)})
		return views[len(views)-1]
	}
	job.Progress = shown.step
	job.Begin = func(target config.Database, mends bool) {
		if mends {
			shown.begin("Copying %s to %s", cmd.From, target)
		} else {
			shown.begin("Comparing %s with %s", target, cmd.From)
		}
	}
	job.Found = func(target config.Database, d replica.Difference) error { return last(target).Comparison.add(d) }
	job.Done = func(target config.Database, made replica.Outcome) {
		v := last(target)
		v.Written, v.Removed, v.ahead, v.extra = made.Written, made.Removed, made.Left.Ahead, made.Left.Extra
		v.Comparison.sum(made.Left)
	}
	err = job.Run(ctx)
	shown.end()
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: run it again to go on")
	}
	if err != nil {
		return err
	}
	return cmd.print(p, views)
}

// job finds out what to copy from where to where.
func (cmd storeCopyCommand) job(p *program) (job app.Copy, err error) {
	given := map[string]string{"DATABASE": string(cmd.From)}
	if cmd.FromPath != "" {
		given["SQLITE_PATH"] = cmd.FromPath
	}
	if job.Source, err = p.settingsFor(given); err != nil {
		return job, err
	}
	if job.Target, err = p.settingsFor(map[string]string{"DATABASE": string(cmd.To)}); err != nil {
		return job, err
	}
	if cmd.From == cmd.To && isSameFile(job.Source.SQLitePath, job.Target.SQLitePath) {
		return job, errors.New("--from-path is the file of the settings, to which it would be copied")
	}
	job.Source.Migrate = false
	job.Overwrite, job.Erase = cmd.Overwrite, cmd.Erase
	return job, nil
}

func isSameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// print says what came of it, and fails if something differs.
func (cmd storeCopyCommand) print(p *program, views []*copyView) error {
	differ := 0
	for _, v := range views {
		differ += v.Comparison.Differ
	}
	if cmd.JSON {
		err := printJSON(p.stdout, struct {
			From    config.Database `json:"from"`
			Targets []*copyView     `json:"targets"`
		}{cmd.From, views})
		if err == nil && differ > 0 {
			err = errReported
		}
		return err
	}
	for _, v := range views {
		if err := cmd.printTarget(p, v); err != nil {
			return err
		}
	}
	if differ == 0 {
		return nil
	}
	err := printText(p.stdout, "If a hub still serves from %s, stop it and run this again.\n", cmd.From)
	return errors.Join(errReported, err)
}

func (cmd storeCopyCommand) printTarget(p *program, v *copyView) error {
	if err := v.Comparison.print(p); err != nil {
		return err
	}
	text := fmt.Sprintf("%s: %s written, %s removed. Compared: %s.\n", v.Database, records(v.Written, "was", "were"), grouped(v.Removed), v.Comparison.compared())
	if v.Comparison.Differ == 0 {
		text += fmt.Sprintf("%s holds the same as %s.\n", v.Database, cmd.From)
	} else {
		text += fmt.Sprintf("%s in %s and %s.\n", records(v.Comparison.Differ, "differs", "differ"), v.Database, cmd.From)
	}
	if v.ahead > 0 && !cmd.Overwrite {
		text += fmt.Sprintf("%s in %s and left alone: --overwrite replaces what is newer.\n", records(v.ahead, "is newer", "are newer"), v.Database)
	}
	if v.extra > 0 && !cmd.Erase {
		text += fmt.Sprintf("%s not in %s and left alone: --erase removes what is not.\n", records(v.extra, "is", "are"), cmd.From)
	}
	return printText(p.stdout, "%s", text)
}
