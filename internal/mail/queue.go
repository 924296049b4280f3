package mail

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

// Queue is the worker of the mail queue. Several may work on one store, in one process or many: a mail belongs to whoever
// claims it first. Mails to one recipient go out one after the other, longest due first, as far as one process sees.
type Queue struct {
	Store     hub.MailStore
	Sender    Sender
	Templates *Templates
	// Prepare makes the letter of a claimed mail, its token included; ErrNothingToSend ends the mail as dropped. The
	// mail's Attempts is 1 at the first try. Errors are logged.
	Prepare func(ctx context.Context, m hub.Mail) (Letter, error)
	Now     func() time.Time
	Log     *slog.Logger
	Tracer  *tracing.Tracer // nil: deliveries leave no traces

	Workers     int           // how many mails are sent at once; 0: 2
	SendTimeout time.Duration // for making one letter, and again for sending it; 0: 30 s

	once sync.Once
	bell chan struct{}

	mu   sync.Mutex
	busy map[string]bool // recipients whose mail is being sent
}

const (
	pollInterval    = time.Second
	maxPollInterval = 30 * time.Second // while the store fails
	lookahead       = 64               // due mails looked at for one whose recipient is free
)

// Run sends mails until ctx ends, then finishes those in hand and returns nil. It looks for due mails each second, and
// at once after Wake or as long as it finds some.
func (q *Queue) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range cmp.Or(q.Workers, 2) {
		workers.Go(func() { q.work(ctx) })
	}
	workers.Wait()
	return nil
}

// Wake tells a running queue that a mail was added. It never blocks.
func (q *Queue) Wake() {
	select {
	case q.woken() <- struct{}{}:
	default:
	}
}

func (q *Queue) woken() chan struct{} {
	q.once.Do(func() { q.bell = make(chan struct{}, 1) })
	return q.bell
}

// DeliverDue tries every mail that is due now, one by one, and returns how many were sent. The error is that of the store;
// a mail that could not be sent is none.
func (q *Queue) DeliverDue(ctx context.Context) (sent int, err error) {
	for {
		m, found, err := q.claimNext(ctx)
		if err != nil || !found {
			return sent, err
		}
		state, err := q.deliver(ctx, m)
		if state == hub.MailSent {
			sent++
		}
		if err != nil {
			return sent, err
		}
	}
}

func (q *Queue) work(ctx context.Context) {
	wait := pollInterval
	for ctx.Err() == nil {
		m, found, err := q.claimNext(ctx)
		if found {
			q.Wake() // another worker: there may be more
			if _, err := q.deliver(ctx, m); err != nil {
				q.Log.ErrorContext(ctx, "mail outcome not stored: it may be sent again", "mail", m.ID, "error", err)
			}
			wait = pollInterval
			continue
		}
		if err == nil {
			wait = pollInterval
		} else if ctx.Err() == nil {
			wait = min(2*wait, maxPollInterval)
			q.Log.WarnContext(ctx, "mail queue out of reach", "error", err, "retry_in", wait)
		}
		select {
		case <-ctx.Done():
		case <-q.woken():
		case <-time.After(wait):
		}
	}
}

// claimNext takes one due mail whose recipient nobody in this process is busy with. Whoever gets one must deliver it.
func (q *Queue) claimNext(ctx context.Context) (m hub.Mail, found bool, err error) {
	due, err := q.Store.DueMails(ctx, q.Now(), lookahead)
	if err != nil {
		return hub.Mail{}, false, err
	}
	for _, m := range due {
		if !q.occupy(m.To) {
			continue
		}
		m, err := q.claim(ctx, m)
		if err == nil {
			return m, true, nil
		}
		q.release(m.To)
		if !errors.Is(err, hub.ErrConflict) { // conflict: somebody else has it
			return hub.Mail{}, false, err
		}
	}
	return hub.Mail{}, false, nil
}

// claim takes a mail for as long as an attempt can last. If we die meanwhile it becomes due again.
func (q *Queue) claim(ctx context.Context, m hub.Mail) (hub.Mail, error) {
	now := q.Now()
	m.Attempts++
	m.DueAt = now.Add(q.lease())
	m.UpdatedAt = now
	if err := q.Store.UpdateMail(ctx, m); err != nil {
		return m, err
	}
	m.Version++
	return m, nil
}

// lease is twice what an attempt may take: making the letter, sending it, storing the outcome.
func (q *Queue) lease() time.Duration { return 2 * 3 * q.sendTimeout() }

func (q *Queue) sendTimeout() time.Duration { return cmp.Or(q.SendTimeout, 30*time.Second) }

func (q *Queue) occupy(recipient string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy[recipient] {
		return false
	}
	if q.busy == nil {
		q.busy = map[string]bool{}
	}
	q.busy[recipient] = true
	return true
}

func (q *Queue) release(recipient string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.busy, recipient)
}
