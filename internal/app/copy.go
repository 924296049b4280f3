package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
)

// OpenAll opens each of the databases that the settings name by itself, the one that decides first, without marks. It
// changes no schema unless the settings say so.
func OpenAll(ctx context.Context, c config.Config) ([]hub.Database, error) {
	return openAll(ctx, c, OpenDatabase)
}

// openAll is OpenAll with another way to open each database.
func openAll(ctx context.Context, c config.Config, open openDatabase) (all []hub.Database, err error) {
	for _, engine := range Engines(c) {
		db, err := open(ctx, c, engine, false)
		if err != nil {
			return nil, errors.Join(err, CloseAll(all))
		}
		all = append(all, db)
	}
	return all, nil
}

// CloseAll closes databases.
func CloseAll(all []hub.Database) error {
	var errs []error
	for _, db := range all {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// Retention returns how long the settings keep what serves only as a record.
func Retention(c config.Config) hub.Retention {
	return hub.Retention{Mails: c.MailRetention, Events: c.EventRetention}
}

// Copy copies everything from one database to one or two others, and proves it.
type Copy struct {
	Source, Target config.Config // the source's names one database
	Overwrite      bool          // also what has a higher version in the target
	Erase          bool          // from the target what is not in the source

	Begin    func(target config.Database, mends bool)           // is told before each pass
	Progress func(kind hub.RecordKind, done, total int)         // as of replica.Comparison
	Found    func(config.Database, replica.Difference) error    // is told what differs at the end
	Done     func(target config.Database, made replica.Outcome) // is told when a target was dealt with
}

// Run copies. It may be interrupted, and run again: what is equal is only compared. Both databases may be in use.
func (a Copy) Run(ctx context.Context) (err error) {
	source, err := OpenAll(ctx, a.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, CloseAll(source)) }()
	a.Target.Migrate = true
	targets, err := OpenAll(ctx, a.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, CloseAll(targets)) }()
	byEngine := map[config.Database]hub.Database{Engines(a.Source)[0]: source[0]}
	for i, engine := range Engines(a.Target) {
		if err := a.copyTo(ctx, source[0], targets[i], engine); err != nil {
			return fmt.Errorf("copy to %s: %w", engine, err)
		}
		byEngine[engine] = targets[i]
	}
	// The one keeps marks of what the other does not have yet, perhaps from a time before both went separate ways.
	if first, second := byEngine[config.MongoDB], byEngine[config.MySQL]; first != nil && second != nil {
		return replica.Settle(ctx, first, second)
	}
	return nil
}

func (a Copy) copyTo(ctx context.Context, source, target hub.Database, engine config.Database) error {
	c := replica.Comparison{
		Source: source, Target: target, Kinds: hub.RecordKinds(), Keep: Retention(a.Source),
		Rule: hub.UnlessOlder, Erase: a.Erase, Progress: a.Progress,
		Found: func(d replica.Difference) error { return a.Found(engine, d) },
	}
	if a.Overwrite {
		c.Rule = hub.Always
	}
	made, err := c.Converge(ctx, func(mends bool) { a.Begin(engine, mends) })
	a.Done(engine, made)
	return err
}
