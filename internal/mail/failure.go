package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/a64core/hub"
)

// failure is why a message was not sent. Its text is fit to be stored and logged.
type failure struct {
	text      string
	permanent bool          // sending the same message again is pointless
	pause     time.Duration // that the other side asked for; 0: it did not
	words     hub.Secret    // what the other side said, which may name the recipient and more
}

// Error implements error.
func (f *failure) Error() string {
	if f.permanent {
		return f.text + ": " + ErrPermanent.Error()
	}
	return f.text
}

// Unwrap returns ErrPermanent of a failure that is.
func (f *failure) Unwrap() error {
	if f.permanent {
		return ErrPermanent
	}
	return nil
}

// maxWords bounds what is kept of an answer.
const maxWords = 500 // bytes

// Words returns what the other side said when it did not take a message, or "". It may name addresses: it is for the
// operator who asked, never for a log or a store.
func Words(err error) hub.Secret {
	var f *failure
	if errors.As(err, &f) {
		return f.words
	}
	return hub.Secret{}
}

// wordsOf wraps the words of an answer.
func wordsOf(text string) hub.Secret {
	return hub.NewSecret(strings.ToValidUTF8(text[:min(len(text), maxWords)], ""))
}

// pauseOf returns how long the other side asked us to wait before the next attempt.
func pauseOf(err error) time.Duration {
	var f *failure
	if errors.As(err, &f) {
		return f.pause
	}
	return 0
}

// networkReason says what went wrong on the way, without repeating an address.
func networkReason(ctx context.Context, err error) string {
	var (
		netErr      net.Error
		dnsErr      *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return "canceled"
	case ctx.Err() != nil, errors.As(err, &netErr) && netErr.Timeout():
		return "timed out"
	case errors.As(err, &dnsErr):
		return "host not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &certificate):
		return "certificate not trusted"
	case errors.As(err, &record), errors.As(err, &alert):
		return "no common TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection closed"
	}
	return "failed"
}
