package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// storeCommands look after the database. They may run beside a serving hub.
type storeCommands struct {
	Status storeStatusCommand `cmd:"" help:"Show what the database holds, and its schema's version."`
	Verify storeVerifyCommand `cmd:"" help:"Check that the database is whole; exits with 1 if it is not."`
	Repair storeRepairCommand `cmd:"" help:"Rebuild the indexes, the one damage that can be mended without a backup."`
}

// withStore opens the SQLite database for a command, with nothing around it, and closes it afterwards.
func (p *program) withStore(ctx context.Context, do func(*sqlstore.Store, string) error) (err error) {
	c, err := p.settings()
	if err != nil {
		return err
	}
	db, err := app.OpenDatabase(ctx, c, config.SQLite, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, _ := db.(*sqlstore.Store)
	return do(s, c.SQLitePath)
}

type storeStatusCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (storeStatusCommand) Help() string {
	return "Examples:\n\n    a64core store status\n    a64core store status --json"
}

// Run shows the status.
func (cmd storeStatusCommand) Run(ctx context.Context, p *program) error {
	return p.withStore(ctx, func(s *sqlstore.Store, path string) error {
		version, err := s.SchemaVersion(ctx)
		if err != nil {
			return err
		}
		stats, err := s.Stats(ctx, time.Now())
		if err != nil {
			return err
		}
		file, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("look at the file: %w", err)
		}
		users := 0
		for _, c := range stats.Users {
			users += c.Active + c.Inactive
		}
		if cmd.JSON {
			return printJSON(p.stdout, struct {
				Database string                `json:"database"`
				Path     string                `json:"path"`
				Bytes    int64                 `json:"bytes"`
				Schema   int64                 `json:"schemaVersion"`
				Users    int                   `json:"users"`
				Deleted  int                   `json:"deletedUsers"`
				Sessions int                   `json:"sessions"`
				Mails    map[hub.MailState]int `json:"mails"`
			}{"sqlite", path, file.Size(), version, users, stats.Deleted, stats.Sessions, stats.Mails})
		}
		return printTable(p.stdout, [][]string{
			{"Database", "sqlite"},
			{"File", path},
			{"Size", fmt.Sprintf("%.1f MiB", float64(file.Size())/(1<<20))},
			{"Schema", fmt.Sprintf("version %d", version)},
			{"Users", fmt.Sprintf("%d, and %d deleted", users, stats.Deleted)},
			{"Sessions", fmt.Sprint(stats.Sessions)},
			{"Mails", fmt.Sprintf("%d queued, %d sent, %d dropped, %d dead", stats.Mails[hub.MailQueued],
				stats.Mails[hub.MailSent], stats.Mails[hub.MailDropped], stats.Mails[hub.MailDead])},
		})
	})
}

type storeVerifyCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (storeVerifyCommand) Help() string {
	return `Reads every page, index and row, which takes a while on a large database and disturbs no server.

Examples:

    a64core store verify
    a64core store verify --json`
}

// Run verifies the database.
func (cmd storeVerifyCommand) Run(ctx context.Context, p *program) error {
	return p.withStore(ctx, func(s *sqlstore.Store, path string) error { return verify(ctx, p, s, path, cmd.JSON) })
}

func verify(ctx context.Context, p *program, s *sqlstore.Store, path string, asJSON bool) error {
	if !asJSON {
		if err := printText(p.stderr, "verifying %s ...\n", path); err != nil {
			return err
		}
	}
	findings, err := s.Verify(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(p.stdout, struct {
			Whole    bool     `json:"whole"`
			Findings []string `json:"findings"`
		}{len(findings) == 0, append([]string{}, findings...)})
	} else {
		err = printFindings(p, findings)
	}
	if err == nil && len(findings) > 0 {
		err = errReported
	}
	return err
}

func printFindings(p *program, findings []string) error {
	for _, finding := range findings {
		if err := printText(p.stdout, "%s\n", finding); err != nil {
			return err
		}
	}
	if len(findings) > 0 {
		return printText(p.stdout, "%d findings.\n", len(findings))
	}
	return printText(p.stdout, "The database is whole.\n")
}

type storeRepairCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (storeRepairCommand) Help() string {
	return `Rebuilds all indexes from the tables and verifies the outcome. Whatever is still found then needs "restore".

Examples:

    a64core store repair`
}

// Run repairs and verifies.
func (cmd storeRepairCommand) Run(ctx context.Context, p *program) error {
	return p.withStore(ctx, func(s *sqlstore.Store, path string) error {
		if !cmd.JSON {
			if err := printText(p.stderr, "rebuilding the indexes of %s ...\n", path); err != nil {
				return err
			}
		}
		if err := s.Reindex(ctx); err != nil {
			return err
		}
		return verify(ctx, p, s, path, cmd.JSON)
	})
}
