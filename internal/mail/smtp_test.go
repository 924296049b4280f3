package mail

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/a64core/hub"
)

func withCredentials(c SMTPConfig) SMTPConfig {
	c.Username, c.Password = "hub@example.com", hub.NewSecret("pa:ss w/ü")
	return c
}

func TestSMTPDelivers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		mode       TLSMode
		mechanisms []string
		want       receivedMail
	}{
		{name: "plain", mode: TLSNone, want: receivedMail{}},
		{name: "STARTTLS", mode: TLSStart, want: receivedMail{TLS: true}},
		{name: "implicit TLS", mode: TLSImplicit, want: receivedMail{TLS: true}},
		{name: "AUTH PLAIN", mode: TLSStart, mechanisms: []string{"PLAIN"}, want: receivedMail{TLS: true, Auth: "PLAIN"}},
		{name: "AUTH LOGIN", mode: TLSImplicit, mechanisms: []string{"LOGIN"}, want: receivedMail{TLS: true, Auth: "LOGIN"}},
		{name: "AUTH inside the machine", mode: TLSNone, mechanisms: []string{"PLAIN"}, want: receivedMail{Auth: "PLAIN"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := &mailServer{mechanisms: tt.mechanisms}
			config := server.start(t, tt.mode)
			if tt.mechanisms != nil {
				config = withCredentials(config)
			}
			m := message()
			if err := NewSMTPSender(config).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			tt.want.From, tt.want.To, tt.want.Helo = "hub@example.com", []string{"ada@example.com"}, "example.com"
			got := server.mails()
			if diff := cmp.Diff([]receivedMail{tt.want}, got, cmpopts.IgnoreFields(receivedMail{}, "Data")); diff != "" {
				t.Fatalf("received (-want +got):\n%s", diff)
			}
			_, parts := readMIME(t, got[0].Data)
			if diff := cmp.Diff(m.Text.Reveal(), parts["text/plain; charset=UTF-8"]); diff != "" {
				t.Errorf("text, dots included (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSMTPRefusals(t *testing.T) {
	t.Parallel()
	refusal := func(code int, enhanced smtp.EnhancedCode) func() error {
		return func() error {
			return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "<ada@example.com> said s3cr3t"}
		}
	}
	for _, tt := range []struct {
		name      string
		server    *mailServer
		want      string
		permanent bool
	}{
		{name: "sender busy", server: &mailServer{onMail: refusal(451, smtp.EnhancedCode{4, 3, 0})}, want: "smtp MAIL: refused with 451 4.3.0"},
		{name: "sender unwelcome", server: &mailServer{onMail: refusal(550, smtp.EnhancedCode{5, 7, 1})}, want: "smtp MAIL: refused with 550 5.7.1"},
		{name: "mailbox greylisted", server: &mailServer{onRcpt: refusal(450, smtp.EnhancedCode{4, 2, 0})}, want: "smtp RCPT: refused with 450 4.2.0"},
		{
			name: "no such mailbox", server: &mailServer{onRcpt: refusal(550, smtp.EnhancedCode{5, 1, 1})},
			want: "smtp RCPT: refused with 550 5.1.1: not worth trying again", permanent: true,
		},
		{
			name: "no enhanced code", server: &mailServer{onRcpt: refusal(550, smtp.NoEnhancedCode)},
			want: "smtp RCPT: refused with 550: not worth trying again", permanent: true,
		},
		{name: "login demanded", server: &mailServer{onRcpt: refusal(530, smtp.EnhancedCode{5, 7, 0})}, want: "smtp RCPT: refused with 530 5.7.0"},
		{
			name: "content later", server: &mailServer{onData: func(net.Conn) error { return refusal(452, smtp.EnhancedCode{4, 2, 2})() }},
			want: "smtp DATA: refused with 452 4.2.2",
		},
		{
			name: "content never", server: &mailServer{onData: func(net.Conn) error { return refusal(554, smtp.EnhancedCode{5, 6, 0})() }},
			want: "smtp DATA: refused with 554 5.6.0: not worth trying again", permanent: true,
		},
		{
			name: "dropped in the middle of DATA", server: &mailServer{onData: func(c net.Conn) error { return c.Close() }},
			want: "smtp DATA: connection closed",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := tt.server.start(t, TLSNone)
			err := NewSMTPSender(config).Send(t.Context(), message())
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if got := errors.Is(err, ErrPermanent); got != tt.permanent {
				t.Errorf("permanent: %v, want %v", got, tt.permanent)
			}
		})
	}
}

// A wrong password or an untrusted certificate is ours to mend: no mail may die of it.
func TestSMTPMisconfigurationIsTemporary(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		mode       TLSMode
		mechanisms []string
		change     func(*SMTPConfig)
		want       string
	}{
		{"wrong password", TLSStart, []string{"PLAIN"}, func(c *SMTPConfig) { c.Password = hub.NewSecret("hunter2") }, "smtp AUTH: refused with 535 5.7.8"},
		{"no authentication offered", TLSStart, nil, func(*SMTPConfig) {}, "smtp AUTH: not offered"},
		{"only mechanisms we do not speak", TLSStart, []string{"XOAUTH2"}, func(*SMTPConfig) {}, "smtp AUTH: not offered"},
		{"untrusted certificate", TLSStart, []string{"PLAIN"}, func(c *SMTPConfig) { c.RootCAs = x509.NewCertPool() }, "smtp TLS: certificate not trusted"},
		{"untrusted certificate at once", TLSImplicit, []string{"PLAIN"}, func(c *SMTPConfig) { c.RootCAs = x509.NewCertPool() }, "smtp TLS: certificate not trusted"},
		{"certificate of another host", TLSStart, []string{"PLAIN"}, func(c *SMTPConfig) { c.Host = "localhost" }, "smtp TLS: certificate not trusted"},
		{"STARTTLS not offered", TLSNone, []string{"PLAIN"}, func(c *SMTPConfig) { c.TLS = TLSStart }, "smtp TLS: not offered"},
		{"no TLS where it is expected at once", TLSNone, nil, func(c *SMTPConfig) { c.TLS = TLSImplicit }, "smtp TLS: no common TLS"},
		{"no such host", TLSNone, nil, func(c *SMTPConfig) { c.Host = "host.invalid" }, "smtp connect: host not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := &mailServer{mechanisms: tt.mechanisms}
			config := withCredentials(server.start(t, tt.mode))
			tt.change(&config)
			err := NewSMTPSender(config).Send(t.Context(), message())
			if err == nil || err.Error() != tt.want || errors.Is(err, ErrPermanent) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if n := len(server.mails()); n != 0 {
				t.Errorf("%d mails went out all the same", n)
			}
		})
	}
}

func TestSMTPSendsNoPasswordInTheClear(t *testing.T) {
	t.Parallel()
	commands := make(chan string, 100)
	config := script(t, func(line string) string {
		commands <- line
		if strings.HasPrefix(line, "EHLO") {
			return "250-hi\r\n250 AUTH PLAIN LOGIN"
		}
		return ok(line)
	})
	sender := NewSMTPSender(withCredentials(config))
	// A server elsewhere, as far as the sender knows.
	sender.config.Host = "mail.example.com"
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", config.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, step, err := sender.open(t.Context(), conn, "example.com")
	if got := smtpFailure(t.Context(), step, err); got.Error() != "smtp AUTH: not encrypted" {
		t.Errorf("got %v", got)
	}
	for len(commands) > 0 {
		if line := <-commands; strings.HasPrefix(line, "AUTH") {
			t.Errorf("sent %q", line)
		}
	}
}

func TestSMTPGivesUpOnSilence(t *testing.T) {
	t.Parallel()
	for _, silentAt := range []string{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "."} {
		for name, shorten := range map[string]func(*SMTPConfig){
			"command": func(c *SMTPConfig) { c.CommandTimeout = 50 * time.Millisecond },
			"whole":   func(c *SMTPConfig) { c.SendTimeout = 50 * time.Millisecond },
		} {
			t.Run(name+"/"+silentAt, func(t *testing.T) {
				t.Parallel()
				config := script(t, silentFrom(silentAt))
				shorten(&config)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				err := NewSMTPSender(config).Send(ctx, message())
				if err == nil || !strings.HasSuffix(err.Error(), ": timed out") || errors.Is(err, ErrPermanent) || ctx.Err() != nil {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// The copy that the server accepted is the only one: nothing that fails afterwards counts.
func TestSMTPAcceptedIsSentWhateverFollows(t *testing.T) {
	t.Parallel()
	for _, silentAt := range []string{"QUIT", "RSET"} {
		config := script(t, silentFrom(silentAt))
		config.CommandTimeout = 50 * time.Millisecond
		if err := NewSMTPSender(config).Send(t.Context(), message()); err != nil {
			t.Errorf("silent at %s: %v", silentAt, err)
		}
	}
}

func TestSMTPStopsWhenCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	config := script(t, func(line string) string {
		if strings.HasPrefix(line, "MAIL") {
			cancel()
			return ""
		}
		return ok(line)
	})
	if err := NewSMTPSender(config).Send(ctx, message()); err == nil || err.Error() != "smtp MAIL: canceled" {
		t.Errorf("got %v", err)
	}
}

func TestSMTPNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	err = NewSMTPSender(SMTPConfig{Host: "127.0.0.1", Port: port, TLS: TLSNone}).Send(t.Context(), message())
	if err == nil || err.Error() != "smtp connect: connection refused" {
		t.Errorf("got %v", err)
	}
}

// script serves one connection that answers each line, and the end of a message as ".", by what reply says; "" is silence.
func script(t *testing.T, reply func(line string) string) SMTPConfig {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		converse(conn, reply)
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return SMTPConfig{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: TLSNone}
}

func converse(conn net.Conn, reply func(line string) string) {
	say := func(line string) {
		if answer := reply(line); answer != "" {
			fmt.Fprintf(conn, "%s\r\n", answer)
		}
	}
	say("greeting")
	inData := false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		if inData && line != "." {
			continue
		}
		inData = line == "DATA"
		say(line)
	}
}

func ok(line string) string {
	switch line {
	case "greeting":
		return "220 hi"
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	}
	return "250 ok"
}

func silentFrom(command string) func(string) string {
	return func(line string) string {
		if strings.HasPrefix(line, command) {
			return ""
		}
		return ok(line)
	}
}
