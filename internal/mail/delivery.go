package mail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

const (
	maxAttempts   = 12 // spread over four to five hours
	firstBackoff  = time.Minute
	maxBackoff    = time.Hour
	settleRetry   = time.Second
	maxLastError  = 200 // bytes
	reasonPrepare = "the letter could not be made"
	reasonRender  = "the message could not be rendered"
	reasonPanic   = "internal error"
	reasonCrashes = "every attempt was cut off"
)

// deliver tries a claimed mail once and stores what came of it. The error is that of the store. A mail in hand is
// finished even if ctx ends: given up half way, nobody would know whether it was sent. Timeouts bound every part of it.
func (q *Queue) deliver(ctx context.Context, m hub.Mail) (hub.MailState, error) {
	defer q.release(m.To)
	ctx = context.WithoutCancel(ctx)
	var span tracing.Span
	if q.Tracer != nil {
		ctx, span = q.Tracer.Work(ctx, "mail.deliver")
	}
	reason, err := q.attempt(ctx, m)
	m = q.conclude(m, reason, err)
	q.report(ctx, m, err)
	if m.State == hub.MailDropped {
		err = nil // nothing to send is no failure
	}
	defer span.End(&err)
	return m.State, q.settle(ctx, m)
}

// attempt makes and sends the message of a claimed mail. The reason of an error may be stored, the error only logged. A
// panic is an error too: one bad mail must not keep the others waiting.
func (q *Queue) attempt(ctx context.Context, m hub.Mail) (reason string, err error) {
	defer func() {
		if v := recover(); v != nil {
			// Not the value, which may hold anything. The stack holds no values.
			reason, err = reasonPanic, fmt.Errorf("panic of type %T: %s", v, debug.Stack())
		}
	}()
	if m.Attempts > maxAttempts {
		return reasonCrashes, errors.New("attempts used up")
	}
	message, reason, err := q.write(ctx, m)
	if err != nil {
		return reason, err
	}
	if err := q.send(ctx, message); err != nil {
		text := err.Error()
		return strings.ToValidUTF8(text[:min(len(text), maxLastError)], ""), fmt.Errorf("send: %w", err)
	}
	return "", nil
}

// send sends a message. No trace goes with it: a mail service has no part in ours, and no business to know of them.
func (q *Queue) send(ctx context.Context, m Message) (err error) {
	ctx, span := tracing.Start(ctx, "mail.send")
	defer span.End(&err)
	ctx, cancel := context.WithTimeout(ctx, q.sendTimeout())
	defer cancel()
	return q.Sender.Send(ctx, m)
}

// write makes the message of a mail. Each attempt gets a Message-ID of its own: its link is new and voids the one before,
// so no mail system may take it for a copy of an earlier attempt and drop it.
func (q *Queue) write(ctx context.Context, m hub.Mail) (message Message, reason string, err error) {
	ctx, cancel := context.WithTimeout(ctx, q.sendTimeout())
	defer cancel()
	letter, err := q.Prepare(ctx, m)
	if err != nil {
		return Message{}, reasonPrepare, fmt.Errorf("prepare: %w", err)
	}
	message, err = q.Templates.Render(letter)
	if err != nil {
		return Message{}, reasonRender, fmt.Errorf("render: %w", err)
	}
	message.ID = fmt.Sprintf("%s.%d@%s", m.ID, m.Attempts, domainOf(message.From.Address))
	message.Date = q.Now()
	return message, "", nil
}

// conclude returns the mail as an attempt left it. It rests longer than it would if the other side asked for that.
func (q *Queue) conclude(m hub.Mail, reason string, err error) hub.Mail {
	now := q.Now()
	m.UpdatedAt = now
	m.LastError = reason
	switch {
	case err == nil:
		m.State = hub.MailSent
	case errors.Is(err, ErrNothingToSend):
		m.State, m.LastError = hub.MailDropped, ""
	case errors.Is(err, ErrPermanent) || m.Attempts >= maxAttempts:
		m.State = hub.MailDead
	default:
		m.DueAt = now.Add(max(backoff(m.Attempts), min(pauseOf(err), maxBackoff)))
	}
	return m
}

// backoff is how long a mail rests after so many failed attempts: from half a minute to a minute at first, twice as long
// each time, up to an hour. Chance spreads the mails that failed together.
func backoff(attempts int) time.Duration {
	d := maxBackoff
	if shift := attempts - 1; shift < 6 { // firstBackoff<<6 exceeds maxBackoff
		d = firstBackoff << shift
	}
	return d/2 + rand.N(d/2)
}

func (q *Queue) report(ctx context.Context, m hub.Mail, err error) {
	log := q.Log.With("mail", m.ID, "kind", string(m.Kind), "attempt", m.Attempts)
	switch m.State {
	case hub.MailSent:
		log.InfoContext(ctx, "mail sent")
	case hub.MailDropped:
		log.InfoContext(ctx, "mail dropped: nothing to send")
	case hub.MailDead:
		log.ErrorContext(ctx, "mail given up", "error", err)
	case hub.MailQueued:
		log.WarnContext(ctx, "mail not sent yet", "error", err, "due_at", m.DueAt)
	}
}

// settle stores the outcome. It tries again while the store is away, as long as the claim surely holds: an outcome that
// is lost means a mail that is sent twice.
func (q *Queue) settle(ctx context.Context, m hub.Mail) error {
	ctx, cancel := context.WithTimeout(ctx, q.sendTimeout())
	defer cancel()
	for {
		err := q.Store.UpdateMail(ctx, m)
		if err == nil {
			return nil
		}
		if !errors.Is(err, hub.ErrUnavailable) {
			return fmt.Errorf("store outcome of mail: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("store outcome of mail: %w", err)
		case <-time.After(settleRetry):
		}
	}
}
