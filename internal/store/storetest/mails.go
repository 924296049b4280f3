package storetest

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

func mailTests() []test {
	return []test{
		{"DueMailsByClock", dueMailsByClock},
		{"UpdateMailReplacesTheStoredVersion", updateMailReplaces},
	}
}

func dueMailsByClock(t *testing.T, s hub.Store) {
	ctx, now := t.Context(), start()
	add := func(due time.Duration, state hub.MailState) hub.Mail {
		m := newMail(hub.NewID())
		m.DueAt, m.State = now.Add(due), state
		must(t, "add mail", s.AddMail(ctx, m, newEvent("")))
		return m
	}
	second, third, first := add(-time.Millisecond, hub.MailQueued), add(0, hub.MailQueued), add(-time.Hour, hub.MailQueued)
	add(time.Millisecond, hub.MailQueued)
	for _, state := range []hub.MailState{hub.MailSent, hub.MailDropped, hub.MailDead} {
		add(-time.Hour, state)
	}
	want := []hub.Mail{first, second, third}
	for _, limit := range []int{0, 1, 2, 3, 10} {
		got, err := s.DueMails(ctx, now, limit)
		must(t, "list due mails", err)
		wantSame(t, "due mails, the longest due first", got, want[:min(limit, len(want))])
	}
}

func updateMailReplaces(t *testing.T, s hub.Store) {
	ctx := t.Context()
	m := newMail("")
	must(t, "add mail", s.AddMail(ctx, m, newEvent("")))
	next := hub.Mail{
		ID: m.ID, Kind: hub.MailEmailTaken, To: "b@example.com", UserID: hub.NewID(), State: hub.MailQueued, DueAt: start().Add(-time.Hour),
		CreatedAt: start().Add(time.Hour), UpdatedAt: start().Add(2 * time.Hour), Version: 1,
	}
	must(t, "update mail", s.UpdateMail(ctx, next))
	next.Version = 2
	got, err := s.DueMails(ctx, start(), 10)
	must(t, "list due mails", err)
	wantSame(t, "updated mail", got, []hub.Mail{next})

	for _, version := range []int64{0, 1, 3} {
		stale := m
		stale.Version = version
		wantError(t, "update of another version", s.UpdateMail(ctx, stale), hub.ErrConflict)
	}
	unknown := newMail("")
	wantError(t, "update of an unknown mail", s.UpdateMail(ctx, unknown), hub.ErrConflict)
	next.State = hub.MailSent
	must(t, "update mail", s.UpdateMail(ctx, next))
	if hasMail(t, s, m.ID) {
		t.Error("a sent mail is due")
	}
}
