package mongostore_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/testdb"
)

func TestNoServerIsUnavailable(t *testing.T) {
	t.Parallel()
	began := time.Now()
	_, err := mongostore.Open(t.Context(), mongostore.Config{URL: hub.NewSecret("mongodb://ada:topsecret@127.0.0.1:1/"), Database: "a64test", Migrate: true})
	if !errors.Is(err, hub.ErrUnavailable) || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}

func TestAWrongPasswordIsNoOutage(t *testing.T) {
	t.Parallel()
	raw, name := testdb.MongoDB(t)
	u, err := url.Parse(raw)
	must(t, "parse URL", err)
	u.User = url.UserPassword("ada", "topsecret")
	s, err := mongostore.Open(t.Context(), mongostore.Config{URL: hub.NewSecret(u.String()), Database: name})
	if err == nil {
		_ = s.Close()
	}
	if err == nil || errors.Is(err, hub.ErrUnavailable) || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("error %v", err)
	}
}

func TestAWrongURLIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"mysql://ada:topsecret@h/", "mongodb://ada:topsecret@h/?w=x&retryWrites=maybe", "mongodb://ada:top%secret@h", ""} {
		_, err := mongostore.Open(t.Context(), mongostore.Config{URL: hub.NewSecret(url), Database: "a64test"})
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ada") {
			t.Errorf("error %v", err)
		}
	}
}

// TestErrorsHoldNoValues provokes collisions, whose errors repeat the values in the servers' own words.
func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	s := p.open(t, mongostore.Config{})
	ctx := t.Context()
	u := newUser("secret-address@example.com")
	must(t, "add user", s.AddUser(ctx, u, newEvent("")))
	se := newSession(u)
	se.Token.ID = "secret-token"
	must(t, "add session", s.AddSession(ctx, se, newEvent("")))
	second := newSession(u)
	must(t, "add session", s.AddSession(ctx, second, newEvent("")))
	second.Token.ID = se.Token.ID
	again, sameID := newUser(u.Email), u
	sameID.Email = "other-secret@example.com"
	errs := []error{
		s.AddUser(ctx, again, newEvent("")), s.AddUser(ctx, sameID, newEvent("")), s.UpdateSession(ctx, second, newEvent("")),
		s.Put(ctx, hub.UnlessOlder, hub.Record{User: &again}), s.Put(ctx, hub.UnlessOlder, hub.Record{Session: &second}),
	}
	for i, err := range errs {
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), u.ID) {
			t.Errorf("call %d: error %v", i, err)
		}
	}
}

// proxy stands between a store and its server, and can stop to pass anything on.
type proxy struct {
	listener net.Listener
	server   string

	mu     sync.Mutex
	frozen chan struct{} // closed while everything passes
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, "listen", err)
	p := &proxy{listener: l, server: server, frozen: make(chan struct{})}
	close(p.frozen)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	go p.pass(client, server)
	p.pass(server, client)
}

func (p *proxy) pass(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		gate := p.frozen
		p.mu.Unlock()
		<-gate
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

func (p *proxy) freeze() (thaw func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gate := make(chan struct{})
	p.frozen = gate
	return func() { close(gate) }
}

func TestAFrozenServerIsUnavailable(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	server, err := url.Parse(p.url)
	must(t, "parse URL", err)
	between := startProxy(t, server.Host)
	through := *server
	through.Host = between.listener.Addr().String()
	s := open(t, mongostore.Config{URL: hub.NewSecret(through.String()), Database: p.Take(t)})
	ctx := t.Context()
	u := newUser("a@example.com")
	must(t, "add user", s.AddUser(ctx, u, newEvent("x")))

	thaw := between.freeze()
	var wg sync.WaitGroup
	for what, call := range map[string]func() error{
		"read":   func() error { _, err := s.UserByID(ctx, u.ID); return err },
		"write":  func() error { return s.AddUser(ctx, newUser("b@example.com"), newEvent("x")) },
		"events": func() error { _, err := s.Events(ctx, hub.EventQuery{Limit: 1}); return err },
		"ping":   func() error { return s.Ping(ctx) },
	} {
		wg.Go(func() {
			began := time.Now()
			wantError(t, what, call(), hub.ErrUnavailable)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: it took %v", what, took)
			}
		})
	}
	wg.Wait()
	thaw()
	try := time.NewTicker(50 * time.Millisecond)
	defer try.Stop()
	for range 200 { // the driver finds the server again with its next heartbeat
		if events, err := s.Events(ctx, hub.EventQuery{UserID: "x", Limit: 10}); err == nil && len(events) > 0 {
			return
		}
		<-try.C
	}
	t.Error("the store does not recover")
}
