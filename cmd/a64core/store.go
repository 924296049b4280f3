package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// storeCommands look after the databases. They may run beside a serving hub, and change no schema but the target's of a
// copy.
type storeCommands struct {
	Status storeStatusCommand `cmd:"" help:"Show what the database holds; of two, also how far the second is behind."`
	Verify storeVerifyCommand `cmd:"" help:"Check that the database is whole, and that two hold the same; exits with 1 if not."`
	Repair storeRepairCommand `cmd:"" help:"Make the second database what the first is, or rebuild the indexes of a single one."`
	Copy   storeCopyCommand   `cmd:"" help:"Copy everything from one database to another, or to both of dual."`
}

// untouched returns the settings for a command that looks: nothing is migrated, and no file comes to be.
func (p *program) untouched() (config.Config, error) {
	c, err := p.settings()
	c.Migrate = false
	return c, err
}

// settingsFor reads and checks the settings as if these, by their names, had been given as flags.
func (p *program) settingsFor(given map[string]string) (config.Config, error) {
	other := *p
	other.source.Flags = maps.Clone(p.source.Flags)
	maps.Copy(other.source.Flags, given)
	return other.settings()
}

// withDatabases opens all databases for a command, the one that decides first, and closes them afterwards.
func (p *program) withDatabases(ctx context.Context, c config.Config, do func([]hub.Database) error) error {
	all, err := app.OpenAll(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(do(all), app.CloseAll(all))
}

// withFile opens the SQLite file for a command that is about files, and closes it afterwards.
func (p *program) withFile(ctx context.Context, c config.Config, do func(*sqlstore.Store) error) error {
	db, err := app.OpenDatabase(ctx, c, config.SQLite, false)
	if err != nil {
		return err
	}
	s, _ := db.(*sqlstore.Store)
	return errors.Join(do(s), db.Close())
}

// megabytes is a size for people.
func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// side names one of the databases for people.
func side(i, of int) string {
	switch {
	case of == 1:
		return "database"
	case i == 0:
		return "primary"
	}
	return "secondary"
}
