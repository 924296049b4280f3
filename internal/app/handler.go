package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/middleware"
	"github.com/a64core/hub/internal/telemetry/tracing"
	"github.com/a64core/hub/internal/token"
)

// buildHandler puts the middleware in front of the operations.
func (a *App) buildHandler(version string, tracer *tracing.Tracer) error {
	a.API = &api.API{
		Auth: a.Auth, Users: a.Users, Name: a.config.AppName, Version: version, Now: a.now,
		Ready: a.ready.check, Denied: a.denied, DocsEnabled: a.config.DocsEnabled, Log: a.log,
	}
	operations, err := a.API.Handler()
	if err != nil {
		return fmt.Errorf("operations: %w", err)
	}
	limits := a.config.RateLimit
	o := middleware.Options{
		TrustedProxies: a.config.TrustedProxies,
		AllowedOrigins: a.config.AllowedOrigins,
		TLS:            a.config.TLS() || a.config.Environment == config.Production,
		Timeout:        requestTimeout,
		Remember:       a.verifyToken,
		Identify:       identify,
		Limiter:        a.limiters.users,
		GuestLimiter:   a.limiters.guests,
		Limits: map[hub.Role]int{
			hub.RoleGuest: limits.Guest, hub.RoleUser: limits.User, hub.RoleModerator: limits.Moderator,
			hub.RoleAdmin: limits.Admin, hub.RoleSuperAdmin: limits.SuperAdmin,
		},
		Log:    a.log,
		Tracer: tracer,
		Now:    a.limitClock,
	}
	if a.metrics != nil {
		o.Meter = a.metrics
	}
	a.handler = a.closing(middleware.Chain(o, operations))
	return nil
}

// requestTimeout bounds the work on one request. It leaves room for a full hashing queue.
const requestTimeout = 30 * time.Second

// verifyToken checks the token of a request, once for the limiter and for the operation: its signature and times. What it
// claims is believed by the limiter only.
func (a *App) verifyToken(ctx context.Context, h http.Header) context.Context {
	if bearer, ok := api.Bearer(h); ok {
		if claims, err := a.Auth.VerifyAccess(bearer); err == nil {
			return token.WithPresented(ctx, claims)
		}
	}
	return ctx
}

// identify returns whom the request's token names, for the limiter.
func identify(r *http.Request) (userID string, role hub.Role, ok bool) {
	claims, ok := token.Presented(r.Context(), token.Access)
	return claims.UserID, claims.Role, ok
}

// denied keeps the event of a refused request. What fails here changes nothing for whoever was refused.
func (a *App) denied(ctx context.Context, route string) {
	actor, _ := hub.ActorFrom(ctx)
	e := hub.NewEvent(ctx, hub.EventAccessDenied, actor.User.ID, a.now()).With("route", route)
	if err := a.Store.AddEvent(context.WithoutCancel(ctx), e); err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "a refusal could not be recorded", slog.Any("error", err))
	}
}

// ServeHTTP implements [http.Handler]: one request through everything but the network.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }
