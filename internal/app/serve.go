package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Time and size limits of a connection (OWASP ASVS 13.2.6). A client that is slower or sends more is cut off.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 45 * time.Second // exceeds the deadline of a request, so that its answer still gets out
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32<<10 - 4096 // net/http adds 4096 of its own
)

// quietTime is how long connections stay open at the start of a shutdown: a request that a client sent before it could
// know is still answered. In the first quarter of it, connections that clients have begun to make are still taken.
const quietTime = time.Second

// Listen opens the port, once the certificate, if there is to be one, has been read, and the one for metrics. [App.Run] closes
// both.
func (a *App) Listen(ctx context.Context) (net.Listener, error) {
	if a.config.TLS() {
		certificate, err := tls.LoadX509KeyPair(a.config.TLSCertFile, a.config.TLSKeyFile)
		if err != nil {
			return nil, fmt.Errorf("load TLS_CERT_FILE and TLS_KEY_FILE: %w", err)
		}
		a.tls = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	}
	var listen net.ListenConfig
	listen.SetMultipathTCP(false) // which hardly any client speaks, and on which Linux lets no filter be set: see ignoreNewcomers
	ln, err := listen.Listen(ctx, "tcp", a.config.Addr())
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := a.listenMetrics(ctx); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// Run serves on ln and works in the background until ctx ends, then shuts down as SHUTDOWN_DELAY and SHUTDOWN_TIMEOUT say:
// every request accepted until then is answered. It returns nil after an orderly shutdown.
func (a *App) Run(ctx context.Context, ln net.Listener) error {
	defer a.serveMetrics(ctx)()
	server := a.server()
	group, ctx := errgroup.WithContext(ctx)
	serving, served := context.WithCancel(context.WithoutCancel(ctx)) // what requests rely on goes on until all are answered
	if a.Replica != nil {
		group.Go(func() error { return a.Replica.Run(serving) })
	}
	if a.Redis != nil {
		a.Redis.Probe(ctx) // before the first request, so that it counts where those of other instances do
		group.Go(func() error { return a.Redis.Run(serving) })
	}
	group.Go(func() error { return a.Users.CountAnew(ctx) })
	if !a.idle {
		group.Go(func() error { return a.Queue.Run(ctx) })
		group.Go(func() error { return a.janitor.run(ctx) })
	}
	group.Go(func() error {
		var err error
		if server.TLSConfig != nil {
			err = server.ServeTLS(ln, "", "")
		} else {
			err = server.Serve(ln)
		}
		if ctx.Err() != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed)) {
			return nil
		}
		return fmt.Errorf("serve: %w", err)
	})
	group.Go(func() error {
		defer served()
		<-ctx.Done()
		return a.drain(server, ln)
	})
	return group.Wait()
}

// server returns the HTTP server with all limits set.
func (a *App) server() *http.Server {
	return &http.Server{
		TLSConfig:         a.tls,
		Handler:           a.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// OPTIONS * goes the way of every request.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // clients' mistakes, mostly
	}
}

// drain tells balancers to send nothing more and goes on as before for SHUTDOWN_DELAY, so that they hear it. Then it takes
// the connections that are being made, closes the port, lets connections say what they have begun to say, answers everything,
// and closes them.
func (a *App) drain(server *http.Server, ln net.Listener) error {
	a.log.LogAttrs(context.Background(), slog.LevelInfo, "shutting down",
		slog.Duration("delay", a.config.ShutdownDelay), slog.Duration("timeout", a.config.ShutdownTimeout))
	a.ready.draining.Store(true)
	pass(a.config.ShutdownDelay)
	ctx, cancel := context.WithTimeout(context.Background(), a.config.ShutdownTimeout)
	defer cancel()
	quiet := min(quietTime, a.config.ShutdownTimeout/4)
	if err := ignoreNewcomers(ln); err != nil {
		a.log.LogAttrs(ctx, slog.LevelDebug, "connections that are being made may be reset", slog.Any("error", err))
	}
	pass(quiet / 4)
	if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the port: %w", err)
	}
	a.closed.Store(true) // not before: whoever is told to come back must not find the port still open
	pass(quiet - quiet/4)
	if err := server.Shutdown(ctx); err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "requests were still running at the end of SHUTDOWN_TIMEOUT", slog.Any("error", err))
		if err := server.Close(); err != nil {
			return fmt.Errorf("close connections: %w", err)
		}
	}
	return nil
}

// pass returns after d.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// closing ends connections once the port is closed, and those on which a request came in chunks: it may have had a
// Content-Length as well, which net/http does not show, and then RFC 9112, section 6.1, wants nothing more to be read.
func (a *App) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.closed.Load() || len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
