package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/auth"
	"github.com/a64core/hub/internal/problem"
	"github.com/a64core/hub/internal/telemetry"
	"github.com/a64core/hub/internal/token"
)

// fixture is an API whose sessions are known and that has no store: one signed-in user of each role.
type fixture struct {
	*API
	tokens map[hub.Role]string
	log    bytes.Buffer

	mu     sync.Mutex
	denied []string
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	issuer, err := token.New(token.Keys{Current: hub.NewSecret(strings.Repeat("k", 32))}, "hub", "hub")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	f := &fixture{tokens: map[hub.Role]string{}}
	authority := sessions{}
	for _, role := range hub.Roles() {
		u := hub.User{ID: hub.NewID(), Email: role.String() + "@example.com", FirstName: "Ada", Role: role, IsActive: true, CreatedAt: now}
		s := hub.Session{ID: hub.NewID(), UserID: u.ID, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Token: hub.RefreshToken{ExpiresAt: now.Add(time.Hour)}}
		authority[s.ID] = hub.Actor{User: u, Session: s}
		access, err := issuer.Issue(token.Claims{
			Kind: token.Access, ID: hub.NewID(), UserID: u.ID, SessionID: s.ID, Email: u.Email, Role: role,
			IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		})
		if err != nil {
			t.Fatal(err)
		}
		f.tokens[role] = access.Reveal()
	}
	f.API = &API{
		Name: "hub", Version: "1", Now: func() time.Time { return now },
		Auth: &auth.Service{Authority: authority, Tokens: issuer, Now: func() time.Time { return now }},
		Ready: func(context.Context) (Status, map[string]string) {
			return StatusReady, map[string]string{"database": "healthy"}
		},
		Denied: func(ctx context.Context, route string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.denied = append(f.denied, caller(ctx).User.Role.String()+" "+route)
		},
		DocsEnabled: true,
		Log:         slog.New(slog.NewTextHandler(&f.log, nil)),
	}
	return f
}

type sessions map[string]hub.Actor

func (s sessions) Actor(_ context.Context, id string) (*hub.Actor, error) {
	a, ok := s[id]
	if !ok {
		return nil, hub.ErrNotFound
	}
	return &a, nil
}

func (f *fixture) handler(t testing.TB) http.Handler {
	t.Helper()
	h, err := f.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// call is one request to a handler.
type call struct {
	method, target, token, body string
	header                      http.Header // instead of the usual one
}

func do(t testing.TB, h http.Handler, c call) *httptest.ResponseRecorder {
	t.Helper()
	ctx, _ := telemetry.WithFacts(t.Context())
	r := httptest.NewRequestWithContext(ctx, c.method, c.target, strings.NewReader(c.body))
	switch {
	case c.header != nil:
		r.Header = c.header
	case c.body != "":
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problemOf returns the problem that was answered.
func problemOf(t testing.TB, w *httptest.ResponseRecorder) problem.Document {
	t.Helper()
	var p problem.Document
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d with %q: %v", w.Code, w.Body, err)
	}
	return p
}

func serve1(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
