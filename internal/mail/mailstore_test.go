package mail

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// mailStore is a hub.MailStore in memory.
type mailStore struct {
	mu     sync.Mutex
	mails  map[string]hub.Mail
	faults int // that many calls to come fail
}

func newMailStore(mails ...hub.Mail) *mailStore {
	s := &mailStore{mails: map[string]hub.Mail{}}
	for _, m := range mails {
		s.mails[m.ID] = m
	}
	return s
}

func (s *mailStore) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.faults > 0 {
		s.faults--
		return fmt.Errorf("disk on fire: %w", hub.ErrUnavailable)
	}
	return nil
}

func (s *mailStore) AddMail(ctx context.Context, m hub.Mail, _ hub.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mails[m.ID] = m
	return nil
}

func (s *mailStore) DueMails(ctx context.Context, now time.Time, limit int) ([]hub.Mail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	var due []hub.Mail
	for _, m := range s.mails {
		if m.State == hub.MailQueued && !m.DueAt.After(now) {
			due = append(due, m)
		}
	}
	slices.SortFunc(due, func(a, b hub.Mail) int {
		return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID))
	})
	return due[:min(limit, len(due))], nil
}

func (s *mailStore) UpdateMail(ctx context.Context, m hub.Mail) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.enter(ctx); err != nil {
		return err
	}
	if s.mails[m.ID].Version != m.Version {
		return hub.ErrConflict
	}
	m.Version++
	s.mails[m.ID] = m
	return nil
}

func (s *mailStore) fail(calls int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = calls
}

// only returns the one mail of the store.
func (s *mailStore) only(t *testing.T) hub.Mail {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 {
		t.Fatalf("%d mails", len(s.mails))
	}
	for _, m := range s.mails {
		return m
	}
	return hub.Mail{}
}
