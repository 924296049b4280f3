package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// SMTPSender hands messages to a mail server, over a connection of its own for each. It is safe for concurrent use.
type SMTPSender struct {
	config SMTPConfig
}

// NewSMTPSender returns a sender for the server that c describes. It does not connect yet.
func NewSMTPSender(c SMTPConfig) *SMTPSender {
	c.DialTimeout = cmp.Or(c.DialTimeout, 10*time.Second)
	c.CommandTimeout = cmp.Or(c.CommandTimeout, 15*time.Second)
	c.SendTimeout = cmp.Or(c.SendTimeout, 30*time.Second)
	return &SMTPSender{config: c}
}

// String names the server.
func (s *SMTPSender) String() string {
	return "the mail server " + net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port))
}

// Send implements Sender. It returns nil exactly if the server accepted the message; what fails after that is of no
// consequence. The error wraps ErrPermanent if the server refused this message for good, but not if it refused us, such
// as for a wrong password: that is mended by an operator, and the message can still go out then.
func (s *SMTPSender) Send(ctx context.Context, m Message) error {
	content, err := m.mime()
	if err != nil {
		return fmt.Errorf("encode message: %w: %w", err, ErrPermanent)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.SendTimeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return smtpFailure(ctx, stepConnect, err)
	}
	hangUp := func() { _ = conn.Close() } // what was sent has been acknowledged, or the error says that it was not
	defer hangUp()
	defer context.AfterFunc(ctx, hangUp)() // ends whatever read or write is under way

	client, step, err := s.open(ctx, conn, domainOf(m.From.Address))
	if err != nil {
		return smtpFailure(ctx, step, err)
	}
	step, err = transmit(client, m, content)
	if err == nil || isReply(err) {
		_ = client.Quit() // a courtesy: the server has decided already
	}
	if err != nil {
		return smtpFailure(ctx, step, err)
	}
	return nil
}

func (s *SMTPSender) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{Timeout: s.config.DialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)))
	if err != nil {
		return nil, err
	}
	return patientConn{conn, s.config.CommandTimeout}, nil
}

func (s *SMTPSender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// open brings a new connection to where a message can be sent. We introduce ourselves by the sender's domain: the name
// of the machine is nobody's business.
func (s *SMTPSender) open(ctx context.Context, conn net.Conn, domain string) (*smtp.Client, smtpStep, error) {
	if s.config.TLS == TLSImplicit {
		secured := tls.Client(conn, s.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, stepTLS, err
		}
		conn = secured
	}
	client, err := smtp.NewClient(conn, s.config.Host)
	if err != nil {
		return nil, stepGreeting, err
	}
	client.SkipSMTPUTF8(true) // our addresses are ASCII
	if err := client.Hello(domain); err != nil {
		return nil, stepGreeting, err
	}
	if s.config.TLS == TLSStart {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, stepTLS, errNotOffered
		}
		if err := client.StartTLS(s.tlsConfig()); err != nil {
			return nil, stepTLS, err
		}
	}
	if s.config.Username == "" {
		return client, "", nil
	}
	return client, stepAuth, s.authenticate(client)
}

func (s *SMTPSender) authenticate(client *smtp.Client) error {
	_, offered := client.Extension("AUTH")
	user, password, host := s.config.Username, s.config.Password.Reveal(), s.config.Host
	for mechanism := range strings.FieldsSeq(strings.ToUpper(offered)) {
		switch mechanism {
		case "PLAIN":
			return client.Auth(smtp.PlainAuth("", user, password, host, isLoopback(host)))
		case "LOGIN":
			return client.Auth(smtp.LoginAuth(user, password, host, isLoopback(host)))
		}
	}
	return errNotOffered
}

var errNotOffered = errors.New("not offered")

// transmit returns nil once the server has said yes to the whole message.
func transmit(client *smtp.Client, m Message, content []byte) (smtpStep, error) {
	if err := client.Mail("<" + m.From.Address + ">"); err != nil {
		return stepMail, err
	}
	if err := client.Rcpt("<" + m.To + ">"); err != nil {
		return stepRcpt, err
	}
	data, err := client.Data()
	if err != nil {
		return stepData, err
	}
	if _, err := data.Write(content); err != nil {
		return stepData, err // and no final dot: the server must not take a part for the whole
	}
	return stepData, data.Close()
}

// patientConn is a connection whose every read and write may take so long and no longer. After a failure it is closed:
// an answer that comes late must not be taken for the answer to the next command.
type patientConn struct {
	net.Conn
	patience time.Duration
}

func (c patientConn) Read(p []byte) (int, error) { return c.do(c.SetReadDeadline, c.Conn.Read, p) }

func (c patientConn) Write(p []byte) (int, error) { return c.do(c.SetWriteDeadline, c.Conn.Write, p) }

func (c patientConn) do(limit func(time.Time) error, act func([]byte) (int, error), p []byte) (int, error) {
	if err := limit(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	n, err := act(p)
	if err != nil {
		_ = c.Close()
	}
	return n, err
}
