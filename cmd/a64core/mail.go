package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/mail"
)

// mailCommands look after the mail.
type mailCommands struct {
	Test mailTestCommand `cmd:"" help:"Send a test mail by what MAIL_DRIVER names, and say what became of it."`
}

type mailTestCommand struct {
	To     string `required:"" help:"The address to send it to."`
	Locale string `help:"Language of the mail, such as de or en; English if there is none such."`
	JSON   bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (mailTestCommand) Help() string {
	return `Sends one mail at once, past the queue, with the settings that "serve" has, and exits with 1 if it was not taken. It shows what the
mail service said, which the log does not, since that may name people. Taken is not arrived: look into the mailbox.

Examples:

    a64core mail test --to ada@example.com
    a64core mail test --to ada@example.com --locale de --json`
}

// Outcomes of a test mail.
const (
	mailAccepted = "accepted" // somebody took it
	mailLogged   = "logged"   // nobody was asked to
	mailFailed   = "failed"
)

// mailTestView is a test mail as the command shows it.
type mailTestView struct {
	Outcome   string            `json:"outcome"`
	Driver    config.MailDriver `json:"driver"`
	Via       string            `json:"via"`
	To        string            `json:"to"`
	MessageID string            `json:"messageId"`
	Reason    string            `json:"reason,omitempty"`
	Said      string            `json:"said,omitempty"` // the mail service's own words
}

// Run sends the mail.
func (cmd mailTestCommand) Run(ctx context.Context, p *program) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	to, err := field.Email(cmd.To)
	if err != nil {
		return fmt.Errorf("the e-mail address %w", err)
	}
	log, flush, err := p.logger(c, slog.LevelInfo, "")
	if err != nil {
		return err
	}
	defer flush()
	sent, err := app.SendTestMail(ctx, c, log, to, cmd.Locale)
	if err != nil && sent.Via == "" { // nobody was asked
		return err
	}
	view := mailTestView{Outcome: mailAccepted, Driver: c.MailDriver, Via: sent.Via, To: to, MessageID: sent.MessageID}
	switch {
	case err != nil:
		view.Outcome, view.Reason, view.Said = mailFailed, err.Error(), mail.Words(err).Reveal()
	case c.MailDriver == config.MailLog:
		view.Outcome = mailLogged
	}
	return view.print(p, cmd.JSON)
}

func (v mailTestView) print(p *program, asJSON bool) error {
	if asJSON {
		if err := printJSON(p.stdout, v); err != nil {
			return err
		}
		if v.Outcome == mailFailed {
			return errReported
		}
		return nil
	}
	switch v.Outcome {
	case mailLogged:
		return printText(p.stdout, "MAIL_DRIVER is log: the test mail to %s was written to the log above, and sent to nobody.\n", v.To)
	case mailAccepted:
		return printText(p.stdout, "Accepted by %s: a test mail to %s, Message-ID <%s>.\nNow look into that mailbox, and where it keeps spam.\n", v.Via, v.To, v.MessageID)
	}
	text := fmt.Sprintf("not accepted by %s: %s", v.Via, v.Reason)
	if v.Said != "" {
		text += "\n  it said: " + strconv.Quote(v.Said) // quoted, since a terminal might obey it
	}
	return errors.New(text)
}
