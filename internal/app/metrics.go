package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/metrics"
)

// watch has the metrics ask the parts of the hub how they are.
func (a *App) watch(pools func() []hub.Pool, hashing func() (running, waiting, workers int)) {
	s := metrics.Sources{
		Ready: func(ctx context.Context) (map[string]string, bool) {
			status, checks := a.ready.check(ctx)
			return checks, status.IsReady()
		},
		Pools: pools, Hashing: hashing,
		Stats: func(ctx context.Context) (hub.Stats, error) { return a.Store.Stats(ctx, a.now()) },
	}
	if a.Replica != nil {
		s.Replica = func() metrics.Replica {
			state := a.Replica.State()
			return metrics.Replica{
				PrimaryAway: state.PrimaryAway, SecondaryAway: state.SecondaryAway,
				StandIn: state.CaughtUp && !state.SecondaryAway,
				Pending: state.Backlog.Pending, Lag: state.Backlog.Lag(time.Now()),
			}
		}
	}
	if a.Redis != nil {
		s.Redis = func() metrics.Redis {
			state := a.Redis.State()
			return metrics.Redis{Away: state.Away, Outages: state.Outages, DecidedAlone: state.DecidedAlone}
		}
	}
	a.metrics.Watch(s)
}

// poolsOf returns what tells the connections of a store.
func poolsOf(store hub.Store) func() []hub.Pool {
	switch s := store.(type) {
	case interface{ Pools() []hub.Pool }:
		return s.Pools
	case hub.Database:
		return func() []hub.Pool { return []hub.Pool{s.Pool()} }
	}
	return func() []hub.Pool { return nil }
}

// listenMetrics opens METRICS_ADDR, if it is set.
func (a *App) listenMetrics(ctx context.Context) error {
	if a.metrics == nil {
		return nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", a.config.MetricsAddr)
	if err != nil {
		return fmt.Errorf("METRICS_ADDR: %w", err)
	}
	a.metricsPort = ln
	return nil
}

// MetricsAddr returns where metrics are served, once Listen has opened the port; nil without METRICS_ADDR.
func (a *App) MetricsAddr() net.Addr {
	if a.metricsPort == nil {
		return nil
	}
	return a.metricsPort.Addr()
}

// serveMetrics serves the metrics until stop is called: also while the hub shuts down.
func (a *App) serveMetrics(ctx context.Context) (stop func()) {
	ln := a.metricsPort
	if ln == nil {
		return func() {}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			a.log.LogAttrs(ctx, slog.LevelError, "metrics are no longer served", slog.Any("error", err))
		}
	}()
	a.log.LogAttrs(ctx, slog.LevelInfo, "serving metrics", slog.String("address", ln.Addr().String()))
	return func() {
		_ = server.Close() // whoever collects at this moment tries again
		<-done
	}
}
