package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/sqlstore"
)

type storeRepairCommand struct {
	JSON  bool `name:"json" help:"Answer in JSON."`
	Apply bool `help:"With two databases: do it, rather than only say what would be done."`
	Force bool `help:"With two databases: also replace records that are newer in the secondary, as after a fail-over."`
}

// Help returns examples.
func (storeRepairCommand) Help() string {
	return `With two databases: makes the secondary what the primary is. Without --apply it only says what it would write and remove. With
it, it goes over everything up to three times, until nothing differs, and names what is left and why. It exits with 1 as long
as something differs. Servers may go on meanwhile. A record whose version is higher in the secondary is left alone without --force: look first
which side is right; "store copy --from mysql --to mongodb" goes the other way.

With SQLite: rebuilds all indexes from the tables. With MongoDB: builds the indexes that are missing. Both verify afterwards;
whatever is still found then needs a backup. MySQL alone has nothing to be repaired from.

With --json and two databases: "applied", "toWrite" and "toRemove" (without --apply), "written" and "removed" (with it), and
"comparison" as "store verify" has it, of the state before (without --apply) or afterwards.

Examples:

    a64core store repair
    a64core store repair --apply
    a64core store repair --apply --force --json`
}

// Run repairs.
func (cmd storeRepairCommand) Run(ctx context.Context, p *program) error {
	c, err := p.untouched()
	if err != nil {
		return err
	}
	if c.Database == config.Dual {
		return p.withDatabases(ctx, c, func(all []hub.Database) error { return cmd.mend(ctx, p, c, all) })
	}
	if cmd.Apply || cmd.Force {
		return fmt.Errorf("--apply and --force are for two databases, and DATABASE is %s", c.Database)
	}
	if err := cmd.rebuild(ctx, p, c); err != nil {
		return err
	}
	return storeVerifyCommand{JSON: cmd.JSON}.Run(ctx, p)
}

// rebuild rebuilds the indexes of a single database.
func (cmd storeRepairCommand) rebuild(ctx context.Context, p *program, c config.Config) error {
	shown := p.progress(cmd.JSON)
	switch c.Database {
	case config.SQLite:
		return p.withFile(ctx, c, func(s *sqlstore.Store) error {
			shown.begin("Rebuilding the indexes of %s", c.SQLitePath)
			return s.Reindex(ctx)
		})
	case config.MongoDB:
		shown.begin("Building the missing indexes of mongodb")
		return app.BuildIndexes(ctx, c)
	case config.MySQL, config.Dual:
	}
	return errors.New(`there is nothing to repair MySQL alone from: restore a backup, or copy another database to it by "store copy"`)
}

// repairView is what "store repair" did or would do.
type repairView struct {
	Applied    bool   `json:"applied"`
	ToWrite    *int   `json:"toWrite,omitempty"`
	ToRemove   *int   `json:"toRemove,omitempty"`
	Written    *int   `json:"written,omitempty"`
	Removed    *int   `json:"removed,omitempty"`
	Comparison *drift `json:"comparison"`

	ahead int // newer in the secondary, and left alone
}

// mend makes the secondary what the primary is, or says what that would take.
func (cmd storeRepairCommand) mend(ctx context.Context, p *program, c config.Config, all []hub.Database) error {
	shown := p.progress(cmd.JSON)
	engines := app.Engines(c)
	view := repairView{Applied: cmd.Apply, Comparison: newDrift(engines[0], engines[1])}
	comparison := replica.Comparison{
		Source: all[0], Target: all[1], Kinds: hub.RecordKinds(), Keep: app.Retention(c), Rule: hub.UnlessOlder, Erase: true,
		Progress: shown.step, Found: view.Comparison.add,
	}
	if cmd.Force {
		comparison.Rule = hub.Always
	}
	var err error
	if cmd.Apply {
		err = view.apply(ctx, comparison, shown, engines)
	} else {
		shown.begin("Comparing %s with %s", engines[1], engines[0])
		err = view.plan(ctx, comparison)
	}
	shown.end()
	if err != nil {
		return interrupted(ctx, err)
	}
	if cmd.JSON {
		err = printJSON(p.stdout, view)
	} else {
		err = view.print(p, cmd.Force)
	}
	if err == nil && view.Comparison.Differ > 0 {
		err = errReported
	}
	return err
}

func (v *repairView) plan(ctx context.Context, c replica.Comparison) error {
	r, err := c.Run(ctx)
	v.Comparison.sum(r)
	write, remove := r.Differ-r.Extra, r.Extra
	if c.Rule == hub.UnlessOlder {
		v.ahead = r.Ahead
		write -= r.Ahead
	}
	v.ToWrite, v.ToRemove = &write, &remove
	return err
}

func (v *repairView) apply(ctx context.Context, c replica.Comparison, shown *progress, engines []config.Database) error {
	o, err := c.Converge(ctx, func(mends bool) {
		if mends {
			shown.begin("Mending %s", engines[1])
		} else {
			shown.begin("Comparing %s with %s", engines[1], engines[0])
		}
	})
	v.Written, v.Removed = &o.Written, &o.Removed
	v.Comparison.sum(o.Left)
	v.ahead = o.Left.Ahead
	if err != nil {
		return err
	}
	return replica.Settle(ctx, c.Source, c.Target)
}

func (v *repairView) print(p *program, force bool) error {
	if err := v.Comparison.print(p); err != nil {
		return err
	}
	if err := printText(p.stdout, "Compared: %s.\n", v.Comparison.compared()); err != nil {
		return err
	}
	text := "Both databases hold the same.\n"
	switch {
	case v.Applied:
		text = fmt.Sprintf("Written: %s. Removed: %s.\n", grouped(*v.Written), grouped(*v.Removed))
		if v.Comparison.Differ > 0 {
			text += records(v.Comparison.Differ, "still differs", "still differ") + ".\n"
		} else {
			text += "Both databases hold the same.\n"
		}
	case v.Comparison.Differ > 0:
		text = fmt.Sprintf("To write: %s. To remove: %s. Nothing was changed: use --apply to do it.\n", grouped(*v.ToWrite), grouped(*v.ToRemove))
	}
	if v.ahead > 0 && !force {
		text += fmt.Sprintf("%s in %s than in %s and left alone: --force replaces what is newer.\n", records(v.ahead, "is newer", "are newer"), v.Comparison.target, v.Comparison.source)
	}
	return printText(p.stdout, "%s", text)
}
