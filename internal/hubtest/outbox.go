package hubtest

import (
	"context"
	"regexp"
	"sync"
	"testing"

	"github.com/a64core/hub/internal/mail"
)

// Outbox is a sender that keeps what it is given. Fail, if set, is what it answers instead.
type Outbox struct {
	mu   sync.Mutex
	sent []mail.Message
	fail error
}

// Send implements [mail.Sender].
func (o *Outbox) Send(_ context.Context, m mail.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return o.fail
	}
	o.sent = append(o.sent, m)
	return nil
}

// FailWith makes every further Send return err; nil ends that.
func (o *Outbox) FailWith(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fail = err
}

// To returns the mails sent to the address, oldest first.
func (o *Outbox) To(address string) []mail.Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []mail.Message
	for _, m := range o.sent {
		if m.To == address {
			found = append(found, m)
		}
	}
	return found
}

// Count returns how many mails were sent to anybody.
func (o *Outbox) Count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.sent)
}

var linkToken = regexp.MustCompile(`\?token=([A-Za-z0-9_.-]+)`)

// TokenIn returns the token of the link in the mail.
func TokenIn(t testing.TB, m mail.Message) string {
	t.Helper()
	found := linkToken.FindStringSubmatch(m.Text.Reveal())
	if found == nil {
		t.Fatalf("no link in the mail %q", m.Subject)
	}
	return found[1]
}
