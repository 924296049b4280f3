package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/auth"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/events"
	"github.com/a64core/hub/internal/mail"
	"github.com/a64core/hub/internal/password"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/ratelimit/redislimit"
	"github.com/a64core/hub/internal/store/livecache"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/telemetry/metrics"
	"github.com/a64core/hub/internal/telemetry/otlp"
	"github.com/a64core/hub/internal/token"
	"github.com/a64core/hub/internal/users"
)

// authorityMaxAge is how long the answer to "whose session is this" may be believed: what a change made by another
// process takes to bite.
const authorityMaxAge = time.Second

// Options is what does not come from the settings.
type Options struct {
	Log     *slog.Logger
	Version string
	Commit  string           // that was built, where it is known
	Now     func() time.Time // nil: the system's clock
	Sender  mail.Sender      // nil: as MAIL_DRIVER says
	Idle    bool             // Run does not send mails or tidy up: the caller has Queue and Tidy do it, as tests must

	// CopyTime is how long a change waits for its copy in the second database, where there are two. Zero means no longer than a
	// request should, whose copy a worker of Run makes up for.
	CopyTime time.Duration
}

// App is the hub, wired.
type App struct {
	Store hub.Store
	Auth  *auth.Service
	Users *users.Service
	Queue *mail.Queue
	API   *api.API

	Replica *replica.Store     // with two databases; else nil
	Redis   *redislimit.Server // with REDIS_URL; else nil

	config     config.Config
	idle       bool
	log        *slog.Logger
	now        func() time.Time
	limitClock func() time.Time
	limiters   limiters
	tls        *tls.Config // set by Listen; nil: plain HTTP
	handler    http.Handler
	ready      *readiness
	closed     atomic.Bool // the port: connections end with their next answer
	janitor    *janitor
	metrics    *metrics.Metrics // with METRICS_ADDR; else nil
	traces     *otlp.Exporter   // with OTEL_EXPORTER_OTLP_ENDPOINT; else nil

	metricsPort net.Listener // set by Listen
}

// New opens the database and wires the hub. Nothing runs until [App.Run]; the caller closes it.
func New(ctx context.Context, c config.Config, o Options) (app *App, err error) {
	limitClock := o.Now
	if o.Now == nil {
		o.Now, limitClock = systemClock, time.Now // with its monotonic reading, so that setting the clock lifts no limit
	}
	traces, tracer, err := openTraces(ctx, c, o.Version, o.Log)
	if err != nil {
		return nil, err
	}
	database, err := openStore(ctx, c, o, databaseOpener(tracer))
	if err != nil {
		closeTraces(traces)
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, database.Close())
			closeTraces(traces)
		}
	}()
	issuer, err := token.New(token.Keys{Current: c.SecretKey, Previous: c.SecretKeyPrevious}, tokenIssuer, tokenAudience)
	if err != nil {
		return nil, fmt.Errorf("SECRET_KEY: %w", err)
	}
	sender := o.Sender
	if sender == nil {
		if sender, err = newSender(c, o.Log); err != nil {
			return nil, err
		}
	}
	templates, err := newTemplates(c)
	if err != nil {
		return nil, err
	}

	recorder := &events.Recorder{Store: database, Log: o.Log}
	cache := livecache.New(recorder, authorityMaxAge)
	store := cache.Store()
	policy := password.NewPolicy(c.AppName)
	gate := password.NewGate(c.HashWorkers, c.HashQueue, c.HashWait)
	passwords := password.New(c.BcryptCost, gate)
	a := &App{config: c, idle: o.Idle, limitClock: limitClock, log: o.Log, now: o.Now, Store: store, traces: traces, ready: &readiness{store: store}}
	if c.MetricsAddr != "" {
		a.metrics = metrics.New(metrics.Build{Version: o.Version, Revision: o.Commit, Go: runtime.Version()})
		recorder.Count, gate.Meter = a.metrics.Happened, a.metrics
	}
	a.Replica, _ = database.(*replica.Store)
	a.ready.replica, a.ready.engines = a.Replica, Engines(c)
	a.Auth = &auth.Service{
		Store: store, Authority: cache, Tokens: issuer, Passwords: passwords, Policy: policy,
		Lockouts: &ratelimit.Guard{Store: store, Policy: lockoutPolicy(c), Now: o.Now},
		Rules:    authRules(c), Now: o.Now,
	}
	a.Users = &users.Service{
		Store: store, Passwords: passwords, Policy: policy, Now: o.Now,
		Rules: users.Rules{DeletedPurge: c.DeletedPurge, UnverifiedPurge: c.UnverifiedPurge},
	}
	a.Queue = &mail.Queue{Store: store, Sender: sender, Templates: templates, Prepare: a.Auth.Letter, Now: o.Now, Log: o.Log, Tracer: tracer}
	a.janitor = &janitor{
		store: store, users: a.Users, now: o.Now, log: o.Log,
		keep: Retention(c),
	}
	if a.limiters, a.Redis, err = openLimiters(c, o.Log, limitClock); err != nil {
		return nil, err
	}
	a.ready.redis = a.Redis
	if a.metrics != nil {
		a.watch(poolsOf(database), gate.Use)
	}
	if err := a.buildHandler(o.Version, tracer); err != nil {
		return nil, errors.Join(err, a.closeRedis())
	}
	return a, nil
}

// Close closes the database and the connection to Redis, and sends the spans that are left. Run must have returned.
func (a *App) Close() error {
	closeTraces(a.traces)
	return errors.Join(a.closeRedis(), a.Store.Close())
}

func (a *App) closeRedis() error {
	if a.Redis == nil {
		return nil
	}
	return a.Redis.Close()
}

// Tokens name who issued them and for whom, so that those of another system with the same key are worth nothing.
const (
	tokenIssuer   = "a64core"
	tokenAudience = "a64core"
)

func authRules(c config.Config) auth.Rules {
	return auth.Rules{
		AccessTTL: c.AccessTokenTTL, RefreshTTL: c.RefreshTokenTTL, SessionMaxAge: c.SessionMaxAge, RefreshGrace: c.RefreshGrace,
		VerificationTTL: c.VerificationTokenTTL, ResetTTL: c.ResetTokenTTL,
		MaxSessions: c.MaxSessions, MailLimit: c.MailLimit, Conceal: c.RegistrationConceal,
	}
}

func lockoutPolicy(c config.Config) hub.LockoutPolicy {
	if c.LoginLockout == 0 {
		return hub.LockoutPolicy{}
	}
	return hub.LockoutPolicy{MaxFailures: c.LoginMaxFailures, Duration: c.LoginLockout}
}

// systemClock gives the time as databases keep it.
func systemClock() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
