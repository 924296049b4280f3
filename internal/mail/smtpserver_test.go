package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server that keeps what it accepts. Hooks, if set, decide on commands.
type mailServer struct {
	onMail, onRcpt func() error
	onData         func(conn net.Conn) error // before the message is read
	mechanisms     []string                  // offered for authentication; none: none required

	addr *net.TCPAddr
	tls  *tls.Config

	mu       sync.Mutex
	received []receivedMail
}

type receivedMail struct {
	From string
	To   []string
	Data []byte
	TLS  bool
	Auth string // mechanism
	Helo string
}

func (s *mailServer) mails() []receivedMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// start serves on a loopback port until the test ends.
func (s *mailServer) start(t *testing.T, mode TLSMode) SMTPConfig {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{server: s, conn: c}, nil
	}))
	server.AllowInsecureAuth = true // so that it is the client that must refuse
	server.EnableSMTPUTF8 = true
	server.ErrorLog = log.New(io.Discard, "", 0)
	config := SMTPConfig{Host: "127.0.0.1", TLS: mode}
	if mode != TLSNone {
		s.tls, config.RootCAs = selfSigned(t)
		server.TLSConfig = s.tls
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().(*net.TCPAddr)
	config.Port = s.addr.Port
	if mode == TLSImplicit {
		listener = tls.NewListener(listener, s.tls)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close SMTP server: %v", err)
		}
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("SMTP server: %v", err)
		}
	})
	return config
}

func selfSigned(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	mail   receivedMail
	auth   string
}

func (s *mailSession) Reset()        { s.mail = receivedMail{} }
func (s *mailSession) Logout() error { return nil }

func call(hook func() error) error {
	if hook == nil {
		return nil
	}
	return hook()
}

func (s *mailSession) AuthMechanisms() []string { return s.server.mechanisms }

func (s *mailSession) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "hub@example.com" || password != "pa:ss w/ü" {
			return smtp.ErrAuthFailed
		}
		s.auth = mechanism
		return nil
	}
	if mechanism == "LOGIN" {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// loginServer is the server's side of AUTH LOGIN, which go-sasl no longer has.
type loginServer struct {
	check func(user, password string) error
	step  int
	user  string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	default:
		return nil, true, l.check(l.user, string(response))
	}
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if len(s.server.mechanisms) > 0 && s.auth == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	s.mail = receivedMail{From: from, Auth: s.auth, Helo: s.conn.Hostname()}
	_, s.mail.TLS = s.conn.TLSConnectionState()
	return call(s.server.onMail)
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return call(s.server.onRcpt)
}

func (s *mailSession) Data(r io.Reader) error {
	if s.server.onData != nil {
		if err := s.server.onData(s.conn.Conn()); err != nil {
			return err
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = data
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.mail)
	return nil
}
