package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
)

type serveCommand struct{}

// Help returns examples.
func (serveCommand) Help() string {
	return `Serves the API until SIGINT or SIGTERM, then answers what it has accepted and ends. In development nothing needs to be set:
data and a generated key are kept in ./data, and mails are written to the log with their links.

Examples:

    a64core serve
    a64core serve --port 9000 --log-format json
    a64core serve --environment production --env-file /etc/a64core.env`
}

// Run serves until ctx ends.
func (serveCommand) Run(ctx context.Context, p *program) (err error) {
	c, err := p.ready()
	if err != nil {
		return err
	}
	// A reader of the output that goes away, such as a log collector, must not take the server with it.
	signal.Ignore(syscall.SIGPIPE)
	log, flush, err := p.logger(c, c.LogLevel, c.LogFile)
	if err != nil {
		return err
	}
	defer flush()
	for _, warning := range c.Warnings() {
		log.LogAttrs(ctx, slog.LevelWarn, "setting", slog.String("name", warning.Name), slog.String("warning", warning.Message))
	}
	relaxCollector()
	c.HashWorkers = separateHashes(c.HashWorkers)
	build := readBuild()
	a, err := app.New(ctx, c, app.Options{Log: log, Version: build.Version, Commit: build.Commit})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ln, err := a.Listen(ctx)
	if err != nil {
		return err
	}
	log.LogAttrs(ctx, slog.LevelInfo, "serving",
		slog.String("address", ln.Addr().String()), slog.String("environment", string(c.Environment)),
		slog.String("database", string(c.Database)), slog.String("version", build.Version))
	if c.Environment == config.Development {
		welcome(ctx, p.stdout, c, a, ln.Addr())
	}
	debug.FreeOSMemory() // what only starting needed, a tenth of what the hub keeps
	return a.Run(ctx, ln)
}

// welcome tells a developer what to do next.
func welcome(ctx context.Context, w io.Writer, c config.Config, a *app.App, addr net.Addr) {
	scheme := "http"
	if c.TLS() {
		scheme = "https"
	}
	text := fmt.Sprintf("\n  A64 Core serves at %s://%s", scheme, addr)
	if c.DocsEnabled {
		text += fmt.Sprintf("\n  The API, to read and to try:  %s://%s/api/docs", scheme, addr)
	}
	if a.Replica != nil {
		text += "\n  MongoDB decides, and MySQL holds the same: see \"a64core store status\"."
		if a.Replica.State().SecondaryAway {
			text += " MySQL is away at the moment."
		}
	}
	if c.MailDriver == config.MailLog {
		text += "\n  Mails are not sent: they are in the log below, with their links."
	}
	// A database that fails only now says so in the log and by /api/ready. There is no need to count.
	active := true
	rulers := hub.UserQuery{Role: hub.RoleSuperAdmin, IsActive: &active, Limit: 1, Known: 1}
	if page, err := a.Store.Users(ctx, rulers); err == nil && len(page.Users) == 0 {
		text += "\n  Nobody is super_admin yet. In another terminal" + sameSettings(c) + ":\n" +
			"    go run ./cmd/a64core users create --email you@example.com --role super_admin --first-name Your --last-name Name"
	}
	_, _ = fmt.Fprintf(w, "%s\n\n", text) // nobody need read it
}

// sameSettings reminds of the settings without which a command would use a file of its own.
func sameSettings(c config.Config) string {
	if c.Database == config.SQLite {
		return ""
	}
	return ", with the same settings (DATABASE=" + string(c.Database) + ")"
}
