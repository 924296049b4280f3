package mail

import (
	"errors"
	"time"

	"github.com/a64core/hub"
)

// ErrNothingToSend is what Queue.Prepare returns if a queued mail has become pointless: nobody has the address, the
// account is gone or had enough mails this hour. The mail ends as dropped.
var ErrNothingToSend = errors.New("nothing to send")

// KindTest is the mail that an operator sends to see whether mail works. It never stands in the queue.
const KindTest hub.MailKind = "test"

// Letter is what a template needs to write a message.
type Letter struct {
	Kind      hub.MailKind
	To        string     // the only recipient
	FirstName string     // as the user gave it
	Locale    string     // BCP 47; empty: the default language
	Token     hub.Secret // for the link, in kinds that carry one

	ValidFor time.Duration // how long the link works; of an account_locked mail how long the lock lasts
	At       time.Time     // when it happened that the mail tells of; zero: unknown
	IP       string        // where the request for it came from; empty: unknown
}
