package app

import (
	"fmt"
	"log/slog"

	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/mail"
)

// developmentFrom is the sender where none is set and no mail leaves the program.
const developmentFrom = "no-reply@localhost.localdomain"

func newTemplates(c config.Config) (*mail.Templates, error) {
	site := mail.Site{AppName: c.AppName, From: developmentFrom, FrontendURL: c.FrontendURL.String()}
	if c.MailFrom != nil {
		site.From = c.MailFrom.String()
	}
	t, err := mail.NewTemplates(site)
	if err != nil {
		return nil, fmt.Errorf("MAIL_FROM, APP_NAME or FRONTEND_URL: %w", err)
	}
	return t, nil
}

// namedSender is a sender that can tell where mails go.
type namedSender interface {
	mail.Sender
	fmt.Stringer
}

// newSender returns what MAIL_DRIVER names. Only in development does the log get to see links.
func newSender(c config.Config, log *slog.Logger) (namedSender, error) {
	switch c.MailDriver {
	case config.MailSMTP:
		server, err := mail.ParseSMTPURL(c.SMTPURL.Reveal())
		if err != nil {
			return nil, fmt.Errorf("SMTP_URL: %w", err)
		}
		return mail.NewSMTPSender(server), nil
	case config.MailSendGrid:
		return mail.NewSendGridSender(mail.SendGridConfig{URL: c.SendGridURL.String(), Key: c.SendGridAPIKey}), nil
	case config.MailSES:
		account := mail.SESConfig{
			Region: c.AWSRegion, AccessKeyID: c.AWSAccessKeyID, SecretAccessKey: c.AWSSecretAccessKey, SessionToken: c.AWSSessionToken,
			Role: mail.SESRole(c.AWSRole),
		}
		if c.SESURL != nil {
			account.URL = c.SESURL.String()
		}
		return mail.NewSESSender(account)
	}
	return mail.NewLogSender(log, c.Environment == config.Development), nil
}
