package main

import (
	"context"
	"fmt"

	"github.com/a64core/hub/internal/app"
)

type migrateCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (migrateCommand) Help() string {
	return `Creates the database if there is none, and brings its schema up to date. "serve" does the same at start unless MIGRATE is
false. It may run while servers of the former version still serve.

Examples:

    a64core migrate
    a64core migrate --database sqlite --sqlite-path /var/lib/a64core/a64core.db`
}

// Run migrates.
func (cmd migrateCommand) Run(ctx context.Context, p *program) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	done, err := app.Migrate(ctx, c)
	if err != nil {
		return err
	}
	if cmd.JSON {
		type migration struct {
			Database string `json:"database"`
			From     int64  `json:"from"`
			To       int64  `json:"to"`
		}
		all := make([]migration, len(done))
		for i, m := range done {
			all[i] = migration{string(m.Engine), m.From, m.To}
		}
		return printJSON(p.stdout, all)
	}
	for _, m := range done {
		text := fmt.Sprintf("The schema of %s is up to date: version %d.\n", m.Engine, m.To)
		if m.From != m.To {
			text = fmt.Sprintf("The schema of %s is now at version %d; it was at %s.\n", m.Engine, m.To, orNone(m.From))
		}
		if err := printText(p.stdout, "%s", text); err != nil {
			return err
		}
	}
	return nil
}

func orNone(version int64) string {
	if version == 0 {
		return "none"
	}
	return fmt.Sprint(version)
}
