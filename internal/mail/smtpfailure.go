package mail

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"

	"github.com/wneessen/go-mail/smtp"
)

// smtpStep names how far a conversation with a mail server got.
type smtpStep string

const (
	stepConnect  smtpStep = "connect"
	stepGreeting smtpStep = "greeting"
	stepTLS      smtpStep = "TLS"
	stepAuth     smtpStep = "AUTH"
	stepMail     smtpStep = "MAIL"
	stepRcpt     smtpStep = "RCPT"
	stepData     smtpStep = "DATA"
)

// concernsMessage reports whether a refusal at this step is about the message rather than about us. MAIL names but the
// sender, who is the same in all of them.
func (s smtpStep) concernsMessage() bool { return s == stepRcpt || s == stepData }

// smtpFailure returns the error of a failed step. What a server says may name the recipient or more, so of its answer
// only the numbers may be stored. Its words are kept aside, but for those about our credentials.
func smtpFailure(ctx context.Context, step smtpStep, err error) error {
	f := &failure{text: fmt.Sprintf("smtp %s: %s", step, smtpReason(ctx, err))}
	var reply *textproto.Error
	if errors.As(err, &reply) {
		f.permanent = step.concernsMessage() && isPermanentReply(reply.Code)
		if step != stepAuth {
			f.words = wordsOf(reply.Msg)
		}
	}
	return f
}

func isReply(err error) bool {
	var reply *textproto.Error
	return errors.As(err, &reply)
}

// isPermanentReply reports whether a reply says never (RFC 5321, section 4.2.1). 530, the demand to authenticate
// (RFC 4954, section 6), says "not like this" instead.
func isPermanentReply(code int) bool { return code >= 500 && code < 600 && code != 530 }

// enhancedCode is an enhanced status code at the beginning of a reply (RFC 2034, section 4).
var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

func smtpReason(ctx context.Context, err error) string {
	var reply *textproto.Error
	switch {
	case errors.As(err, &reply):
		if code := enhancedCode.FindString(reply.Msg); code != "" {
			return fmt.Sprintf("refused with %d %s", reply.Code, code)
		}
		return fmt.Sprintf("refused with %d", reply.Code)
	case errors.Is(err, errNotOffered):
		return "not offered"
	case errors.Is(err, smtp.ErrUnencrypted):
		return "not encrypted"
	}
	return networkReason(ctx, err)
}
