package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
)

// buildHandler puts the middleware in front of the operations.
func (a *App) buildHandler(version string) error {
	a.API = &api.API{
		Auth: a.Auth, Users: a.Users, Name: a.config.AppName, Version: version, Now: a.now,
		Ready: a.ready.check, Denied: a.denied, DocsEnabled: a.config.DocsEnabled, Log: a.log,
	}
	operations, err := a.API.Handler()
	if err != nil {
		return fmt.Errorf("operations: %w", err)
	}
	a.handler = operations
	return nil
}

// denied keeps the event of a refused request. What fails here changes nothing for whoever was refused.
func (a *App) denied(ctx context.Context, route string) {
	actor, _ := hub.ActorFrom(ctx)
	e := hub.NewEvent(ctx, hub.EventAccessDenied, actor.User.ID, a.now()).With("route", route)
	if err := a.Store.AddEvent(context.WithoutCancel(ctx), e); err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "a refusal could not be recorded", slog.Any("error", err))
	}
}
