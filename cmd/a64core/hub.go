package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/telemetry"
)

// ready returns the settings with a secret key, made now if this is the first start in development.
func (p *program) ready() (config.Config, error) {
	c, err := p.settings()
	if err != nil {
		return c, err
	}
	if _, err := config.EnsureSecretKey(&c); err != nil {
		return c, fmt.Errorf("SECRET_KEY: %w", err)
	}
	return c, nil
}

// logger returns a logger and what ends it. Lines that nobody took are no failure of what they tell about.
func (p *program) logger(c config.Config, level slog.Level, file string) (log *slog.Logger, flush func(), err error) {
	log, closer, err := telemetry.NewLogger(telemetry.LogConfig{
		Level: level, JSON: c.LogFormat == config.LogJSON, File: file, Output: p.stderr,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("LOG_FILE: %w", err)
	}
	return log, func() { _ = closer.Close() }, nil
}

// copyTime is how long each change of a command waits for its copy in the second database: there is no client who waits, and
// perhaps no server that copies later.
const copyTime = 5 * time.Second

// withHub wires the hub for a command that does one thing with it beside a running server, and closes it afterwards. It
// logs only what went wrong.
func (p *program) withHub(ctx context.Context, do func(*app.App) error) (err error) {
	c, err := p.ready()
	if err != nil {
		return err
	}
	log, flush, err := p.logger(c, slog.LevelError, "")
	if err != nil {
		return err
	}
	defer flush()
	a, err := app.New(ctx, c, app.Options{Log: log, Version: readBuild().Version, CopyTime: copyTime})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return explain(do(a))
}

// explain turns an answer that clients get into a sentence for the terminal.
func explain(err error) error {
	var e *hub.Error
	if !errors.As(err, &e) || e.Kind == hub.KindInternal {
		return err
	}
	text := e.Message
	for _, f := range e.Fields {
		text += fmt.Sprintf("\n  %s: %s", f.Location, f.Message)
	}
	return errors.New(strings.TrimSpace(text))
}
