package mail

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-smtp"
)

func TestWordsOfAServerAreKeptApart(t *testing.T) {
	t.Parallel()
	server := &mailServer{onRcpt: func() error {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "<ada@example.com> is unknown here"}
	}}
	err := fmt.Errorf("send: %w", NewSMTPSender(server.start(t, TLSNone)).Send(t.Context(), message()))
	if !strings.Contains(Words(err).Reveal(), "<ada@example.com> is unknown here") {
		t.Errorf("words: %q", Words(err).Reveal())
	}
	if shown := fmt.Sprintf("%v %+v %#v %v", err, err, errors.Unwrap(err), Words(err)); strings.Contains(shown, "ada@") {
		t.Errorf("shown: %s", shown)
	}
	if !Words(errors.New("x")).IsZero() {
		t.Error("words of nobody")
	}
}

func TestWordsAreCut(t *testing.T) {
	t.Parallel()
	if got := wordsOf("x" + strings.Repeat("é", 10_000)).Reveal(); len(got) > maxWords || !utf8.ValidString(got) {
		t.Errorf("%d bytes, valid: %v", len(got), utf8.ValidString(got))
	}
}
