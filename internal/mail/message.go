package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/a64core/hub"
)

// ErrPermanent is wrapped by a Sender's error if sending the same message again is pointless.
var ErrPermanent = errors.New("not worth trying again")

// Sender hands a message over to be delivered.
type Sender interface {
	// Send returns nil once somebody else has taken responsibility for the message. It returns soon after ctx ends.
	// Its errors are stored and logged: they name neither mail addresses nor what a server said about them.
	Send(ctx context.Context, m Message) error
}

// Message is a rendered mail to one recipient.
type Message struct {
	ID      string // globally unique, "left@domain", for the Message-ID header
	Date    time.Time
	From    netmail.Address
	To      string // a bare address
	Subject string
	Text    hub.Secret
	HTML    hub.Secret
	Link    hub.Secret // the link that both bodies hold, if one does
}

// mime returns the message in the Internet Message Format (RFC 5322) with both bodies as alternatives. Header values are
// encoded or refused, never split over lines of the sender's choice.
func (m Message) mime() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&m.From)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.Date)
	msg.SetMessageIDWithValue(m.ID)
	for name, value := range quiet() {
		msg.SetGenHeader(gomail.Header(name), value)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text.Reveal())
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML.Reveal())
	var buf bytes.Buffer
	if _, err := msg.WriteTo(&buf); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	return buf.Bytes(), nil
}

// quiet returns the headers that keep vacation programs from answering: Auto-Submitted (RFC 3834), and that of Exchange.
func quiet() map[string]string {
	return map[string]string{"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
}

// check refuses addresses and an ID that are more than that.
func (m Message) check() error {
	if !isBareAddress(m.To) || !isBareAddress(m.From.Address) {
		return errors.New("malformed address")
	}
	if strings.ContainsFunc(m.ID, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }) {
		return errors.New("malformed message id")
	}
	return nil
}

// isBareAddress reports whether text is one ASCII address and nothing else: no name, comment, list or line break.
func isBareAddress(text string) bool {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>,;:()"\[]`, r) }) {
		return false
	}
	parsed, err := netmail.ParseAddress(text)
	return err == nil && parsed.Address == text
}

// domainOf returns what follows the @ of an address.
func domainOf(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
