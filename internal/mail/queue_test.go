package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// stepClock is a clock that a test moves.
type stepClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *stepClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stepClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// outbox is a Sender that keeps what it is given, after do, if set, agreed.
type outbox struct {
	do func(ctx context.Context, m Message) error

	mu   sync.Mutex
	sent []Message
}

func (o *outbox) Send(ctx context.Context, m Message) error {
	if o.do != nil {
		if err := o.do(ctx, m); err != nil {
			return err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, m)
	return nil
}

func (o *outbox) ids() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ids []string
	for _, m := range o.sent {
		ids = append(ids, m.ID)
	}
	return ids
}

func prepare(_ context.Context, m hub.Mail) (Letter, error) {
	l := letter(m.Kind, "Ada")
	l.To = m.To
	return l, nil
}

func newQueue(t testing.TB, store hub.MailStore, sender Sender, now func() time.Time) *Queue {
	t.Helper()
	return &Queue{
		Store: store, Sender: sender, Templates: newTemplates(t), Prepare: prepare, Now: now,
		Log: slog.New(slog.DiscardHandler),
	}
}

func queued(id string, due time.Time) hub.Mail {
	m := hub.NewMail(hub.MailReset, "", "ada@example.com", due)
	m.ID = id
	return m
}

func TestDeliverDue(t *testing.T) {
	t.Parallel()
	store := newMailStore(queued("b", noon), queued("a", noon.Add(-time.Second)), queued("c", noon.Add(time.Millisecond)))
	box := &outbox{}
	sent, err := newQueue(t, store, box, (&stepClock{now: noon}).Now).DeliverDue(t.Context())
	if err != nil || sent != 2 {
		t.Fatalf("sent %d, %v", sent, err)
	}
	if diff := cmp.Diff([]string{"a.1@example.com", "b.1@example.com"}, box.ids()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	want := hub.Mail{
		ID: "a", Kind: hub.MailReset, To: "ada@example.com", State: hub.MailSent, Attempts: 1,
		DueAt: store.mails["a"].DueAt, CreatedAt: noon.Add(-time.Second), UpdatedAt: noon, Version: 3,
	}
	if diff := cmp.Diff(want, store.mails["a"]); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if got := box.sent[0]; !got.Date.Equal(noon) || got.To != "ada@example.com" || got.Link.IsZero() {
		t.Errorf("message %+v", got)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		kind    hub.MailKind
		prepare error
		send    func() error
		state   hub.MailState
		reason  string
	}{
		{name: "sent", state: hub.MailSent},
		{name: "refused for now", send: func() error { return errors.New("smtp RCPT: refused with 450") }, state: hub.MailQueued, reason: "smtp RCPT: refused with 450"},
		{
			name: "refused for good", send: func() error { return fmt.Errorf("smtp RCPT: refused with 550: %w", ErrPermanent) },
			state: hub.MailDead, reason: "smtp RCPT: refused with 550: not worth trying again",
		},
		{name: "long error", send: func() error { return errors.New(strings.Repeat("é", 500)) }, state: hub.MailQueued, reason: strings.Repeat("é", 100)},
		{name: "nobody there", prepare: fmt.Errorf("letter: %w", ErrNothingToSend), state: hub.MailDropped},
		{name: "not prepared", prepare: errors.New("ada@example.com is odd"), state: hub.MailQueued, reason: reasonPrepare},
		{name: "not rendered", kind: "of a later version", state: hub.MailQueued, reason: reasonRender},
		{name: "panic", send: func() error { panic("token s3cr3t") }, state: hub.MailQueued, reason: reasonPanic},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := queued("a", noon)
			if tt.kind != "" {
				m.Kind = tt.kind
			}
			store := newMailStore(m)
			q := newQueue(t, store, &outbox{do: func(context.Context, Message) error {
				if tt.send != nil {
					return tt.send()
				}
				return nil
			}}, (&stepClock{now: noon}).Now)
			q.Prepare = func(ctx context.Context, m hub.Mail) (Letter, error) {
				if tt.prepare != nil {
					return Letter{}, tt.prepare
				}
				return prepare(ctx, m)
			}
			var log bytes.Buffer
			q.Log = slog.New(slog.NewTextHandler(&log, nil))
			sent, err := q.DeliverDue(t.Context())
			if err != nil || (sent == 1) != (tt.state == hub.MailSent) {
				t.Fatalf("sent %d, %v", sent, err)
			}
			got := store.only(t)
			if got.State != tt.state || got.LastError != tt.reason || got.Attempts != 1 {
				t.Errorf("%s after %d attempts, %q; want %s, %q", got.State, got.Attempts, got.LastError, tt.state, tt.reason)
			}
			if rest := got.DueAt.Sub(noon); got.State == hub.MailQueued && (rest < 30*time.Second || rest > time.Minute) {
				t.Errorf("due again after %v", rest)
			}
			if strings.Contains(log.String(), "s3cr3t") || !strings.Contains(log.String(), "mail=a kind=") {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

func TestTriesAreSpreadAndEnd(t *testing.T) {
	t.Parallel()
	store := newMailStore(queued("a", noon))
	clock := &stepClock{now: noon}
	var ids []string
	q := newQueue(t, store, &outbox{do: func(_ context.Context, m Message) error {
		ids = append(ids, m.ID)
		return errors.New("no")
	}}, clock.Now)
	var log bytes.Buffer
	q.Log = slog.New(slog.NewTextHandler(&log, nil))
	for store.only(t).State == hub.MailQueued {
		clock.set(store.only(t).DueAt.Add(-time.Millisecond))
		if _, err := q.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(ids); n != store.only(t).Attempts || n > maxAttempts {
			t.Fatalf("tried %d times, too early or too often", n)
		}
		clock.set(store.only(t).DueAt)
		if _, err := q.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := store.only(t); got.State != hub.MailDead || got.Attempts != maxAttempts {
		t.Errorf("%s after %d attempts", got.State, got.Attempts)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != maxAttempts {
		t.Errorf("%d different message ids, want %d: a copy with a new link must not pass for a duplicate", n, maxAttempts)
	}
	if spread := clock.Now().Sub(noon); spread < 3*time.Hour || spread > 7*time.Hour {
		t.Errorf("spread over %v", spread)
	}
	if !strings.Contains(log.String(), `level=ERROR msg="mail given up"`) {
		t.Error("giving up was not logged")
	}
}

func TestBackoffStaysBetweenHalfAMinuteAndAnHour(t *testing.T) {
	t.Parallel()
	for attempts := 1; attempts < 100; attempts++ {
		limit := maxBackoff
		if attempts < 7 {
			limit = time.Minute << (attempts - 1)
		}
		if d := backoff(attempts); d < limit/2 || d >= limit {
			t.Errorf("after %d attempts %v", attempts, d)
		}
	}
}

func TestConcurrentQueuesSendEachMailOnce(t *testing.T) {
	t.Parallel()
	const mails, queues = 200, 8
	store := newMailStore()
	for i := range mails {
		m := queued(fmt.Sprintf("%03d", i), noon)
		m.To = fmt.Sprintf("u%d@example.com", i%20)
		store.mails[m.ID] = m
	}
	box := &outbox{}
	clock := &stepClock{now: noon}
	var group sync.WaitGroup
	for range queues {
		q := newQueue(t, store, box, clock.Now) // of a process of its own
		for range 2 {
			group.Go(func() {
				if _, err := q.DeliverDue(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	ids := box.ids()
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != mails || len(ids) != mails {
		t.Errorf("sent %d messages, %d different, want %d", len(ids), n, mails)
	}
}

func TestMailOfADeadWorkerIsTakenOver(t *testing.T) {
	t.Parallel()
	store := newMailStore(queued("a", noon))
	clock := &stepClock{now: noon}
	dead := newQueue(t, store, &outbox{}, clock.Now)
	if _, found, err := dead.claimNext(t.Context()); !found || err != nil {
		t.Fatalf("claim: %v, %v", found, err)
	}
	box := &outbox{}
	q := newQueue(t, store, box, clock.Now)
	clock.set(noon.Add(q.lease() - time.Millisecond))
	if sent, err := q.DeliverDue(t.Context()); sent != 0 || err != nil {
		t.Fatalf("taken over before the lease ended: %d, %v", sent, err)
	}
	clock.set(noon.Add(q.lease()))
	if sent, err := q.DeliverDue(t.Context()); sent != 1 || err != nil {
		t.Fatalf("not taken over: %d, %v", sent, err)
	}
	if got := store.only(t); got.State != hub.MailSent || got.Attempts != 2 {
		t.Errorf("%s after %d attempts", got.State, got.Attempts)
	}
}

func TestMailThatKillsEveryWorkerIsGivenUp(t *testing.T) {
	t.Parallel()
	store := newMailStore(queued("a", noon))
	clock := &stepClock{now: noon}
	for range maxAttempts {
		q := newQueue(t, store, &outbox{}, clock.Now)
		if _, found, err := q.claimNext(t.Context()); !found || err != nil {
			t.Fatalf("claim: %v, %v", found, err)
		}
		clock.set(clock.Now().Add(q.lease()))
	}
	box := &outbox{}
	if _, err := newQueue(t, store, box, clock.Now).DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := store.only(t); got.State != hub.MailDead || got.LastError != reasonCrashes || len(box.ids()) != 0 {
		t.Errorf("%s, %q, sent %v", got.State, got.LastError, box.ids())
	}
}

func TestDeliverDueReturnsTheStoresError(t *testing.T) {
	t.Parallel()
	store := newMailStore(queued("a", noon))
	q := newQueue(t, store, &outbox{}, (&stepClock{now: noon}).Now)
	store.fail(1)
	if _, err := q.DeliverDue(t.Context()); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.DeliverDue(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A mail from the queue to a real server and back again.
func TestQueueOverSMTP(t *testing.T) {
	t.Parallel()
	store := newMailStore(queued("a", noon))
	clock := &stepClock{now: noon}
	calls := 0
	server := &mailServer{onRcpt: func() error {
		if calls++; calls == 1 {
			return errors.New("ada@example.com is busy") // 451
		}
		return nil
	}}
	q := newQueue(t, store, NewSMTPSender(server.start(t, TLSStart)), clock.Now)
	for range 2 {
		if _, err := q.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m := store.only(t); m.Attempts == 1 && (m.State != hub.MailQueued || m.LastError != "smtp RCPT: refused with 451 4.0.0") {
			t.Errorf("after a refusal %s, %q", m.State, m.LastError)
		}
		clock.set(noon.Add(time.Minute))
	}
	if got := store.only(t); got.State != hub.MailSent || got.LastError != "" || got.Attempts != 2 {
		t.Errorf("%s after %d attempts, %q", got.State, got.Attempts, got.LastError)
	}
	mails := server.mails()
	if len(mails) != 1 || len(mails[0].To) != 1 || mails[0].To[0] != "ada@example.com" {
		t.Fatalf("received %+v", mails)
	}
	header, parts := readMIME(t, mails[0].Data)
	if got := header.Get("Message-Id"); got != "<a.2@example.com>" {
		t.Errorf("message id %s", got)
	}
	if !strings.Contains(parts["text/plain; charset=UTF-8"], "https://app.example.com/reset-password?token=tok.en") {
		t.Errorf("no link in %s", parts["text/plain; charset=UTF-8"])
	}
}
