package hubtest

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
)

// Hub is a running hub.
type Hub struct {
	URL    string
	HTTP   *http.Client
	Clock  *Clock
	Outbox *Outbox
	Store  hub.Store
	App    *app.App
	Log    *Log // everything it logged
	Dir    string

	place  Settings // where its data is
	people atomic.Int64
	stop   func()
}

// Log collects what the hub logs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns what was logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Forget drops what was logged so far, for tests that measure what the hub takes.
func (l *Log) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = bytes.Buffer{}
}

// SecretKey is the key that every Hub signs with, for tests that forge tokens.
const SecretKey = "hubtest-key-0123456789-abcdefghijklmnopqrstuvwxyz"

// copyTime is how long a change waits for its copy in a second database. By the quarter of a second of a hub in service, a database is
// thought to refuse copies, which is an error in the log, when the tests' machine is busy.
const copyTime = 2 * time.Second

// Settings are settings by their names in the environment.
type Settings map[string]string

// Start runs a hub without any data until the test ends, on the databases that A64_TEST_DATABASE names. Limits are off and
// hashing is cheap unless the settings say otherwise. Of two databases it is an error if they are not equal when it stops.
func Start(t testing.TB, settings ...Settings) *Hub {
	t.Helper()
	return start(t, newPlace(t), settings)
}

// Again starts another hub on the data of this one, which usually was stopped. It has its own settings, clock and outbox.
func (h *Hub) Again(t testing.TB, settings ...Settings) *Hub {
	t.Helper()
	return start(t, h.place, settings)
}

func start(t testing.TB, place Settings, settings []Settings) *Hub {
	t.Helper()
	h := &Hub{
		Clock: &Clock{now: time.Now().UTC().Truncate(time.Millisecond)}, Outbox: new(Outbox), Log: new(Log),
		place: place, Dir: place["DATA_DIR"],
	}
	c, err := load(append([]Settings{place}, settings...)...)
	if err != nil {
		t.Fatalf("settings: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := app.New(ctx, c, app.Options{
		Log:     slog.New(slog.NewJSONHandler(h.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Version: "test", Now: h.Clock.Now, Sender: h.Outbox, Idle: true,
		CopyTime: copyTime,
	})
	if err != nil {
		cancel()
		t.Fatalf("wire the hub: %v", err)
	}
	h.App, h.Store = a, a.Store
	ln, err := a.Listen(ctx)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	h.URL = "http://" + ln.Addr().String()
	h.HTTP = &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	h.stop = sync.OnceFunc(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the hub ended: %v", err)
		}
		h.compare(t)
		if err := a.Close(); err != nil {
			t.Errorf("close the hub: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// Stop shuts the hub down before the test ends.
func (h *Hub) Stop() { h.stop() }

// Addr returns the host and port that the hub listens on.
func (h *Hub) Addr() string { return h.URL[len("http://"):] }

// Dial opens a bare connection to the hub.
func (h *Hub) Dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // often closed by the other side before
	return c
}

// Deliver sends the mails that are due.
func (h *Hub) Deliver(t testing.TB) {
	t.Helper()
	if _, err := h.App.Queue.DeliverDue(t.Context()); err != nil {
		t.Fatalf("deliver mails: %v", err)
	}
}

// load returns the settings that a Hub runs with; later ones count more.
func load(settings ...Settings) (config.Config, error) {
	all := Settings{
		"PORT": "0", "SECRET_KEY": SecretKey, "FRONTEND_URL": "https://front.example.com/app",
		"BCRYPT_COST": "4", "HASH_QUEUE": "1000", "HASH_WAIT": "30s", "SHUTDOWN_TIMEOUT": "2s",
		"RATE_LIMIT_GUEST": "0", "RATE_LIMIT_USER": "0", "RATE_LIMIT_MODERATOR": "0", "RATE_LIMIT_ADMIN": "0", "RATE_LIMIT_SUPER_ADMIN": "0",
	}
	for _, s := range settings {
		maps.Copy(all, s)
	}
	return config.Load(config.Source{Lookup: func(name string) (string, bool) {
		value, ok := all[name]
		return value, ok
	}})
}
