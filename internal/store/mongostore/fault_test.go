package mongostore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
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
