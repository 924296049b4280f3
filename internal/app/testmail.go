package app

import (
	"context"
	"log/slog"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/mail"
)

// TestMail is a mail that was sent to see whether mail works.
type TestMail struct {
	Via       string // who was to take it
	MessageID string
}

// SendTestMail sends one mail to an address, in the language closest to locale, by what MAIL_DRIVER names, at once and
// past the queue. The error says why it was not taken; see also [mail.Words].
func SendTestMail(ctx context.Context, c config.Config, log *slog.Logger, to, locale string) (TestMail, error) {
	templates, err := newTemplates(c)
	if err != nil {
		return TestMail{}, err
	}
	s, err := newSender(c, log)
	if err != nil {
		return TestMail{}, err
	}
	now := systemClock()
	message, err := templates.Render(mail.Letter{Kind: mail.KindTest, To: to, Locale: locale, At: now})
	if err != nil {
		return TestMail{}, err
	}
	_, domain, _ := strings.Cut(message.From.Address, "@")
	message.ID, message.Date = hub.NewID()+"@"+domain, now
	return TestMail{Via: s.String(), MessageID: message.ID}, s.Send(ctx, message)
}
