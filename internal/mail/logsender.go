package mail

import (
	"context"
	"log/slog"
)

// LogSender writes to the log instead of sending: for development, where no mail server is at hand.
type LogSender struct {
	log         *slog.Logger
	revealLinks bool
}

// NewLogSender returns a LogSender. Only with revealLinks does it log the link of a mail, which is as good as a password
// to whoever reads the log: the one place of the program that does so.
func NewLogSender(log *slog.Logger, revealLinks bool) *LogSender {
	return &LogSender{log: log, revealLinks: revealLinks}
}

// String names where mails go.
func (s *LogSender) String() string { return "the log" }

// Send implements Sender. It never fails.
func (s *LogSender) Send(ctx context.Context, m Message) error {
	attrs := []slog.Attr{slog.String("to", m.To), slog.String("subject", m.Subject)}
	if s.revealLinks && !m.Link.IsZero() {
		attrs = append(attrs, slog.String("link", m.Link.Reveal()))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "mail not sent but logged", attrs...)
	return nil
}
