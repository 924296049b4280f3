package main

import (
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// mailServer is a real SMTP server that counts the messages it took, and can stop answering behind them.
type mailServer struct {
	url string

	mu   sync.Mutex
	took map[string]int // messages by "recipient page", whose page is where the link leads
	left int            // messages that are still answered; below 0: all
	hold chan struct{}  // closed to answer again
}

// startMailServer serves until the test ends. It keeps every message but leaves all after the first few without an
// answer, until release.
func startMailServer(t *testing.T, answered int) *mailServer {
	t.Helper()
	m := &mailServer{took: make(map[string]int), left: answered, hold: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{server: m}, nil }))
	server.ErrorLog = log.New(io.Discard, "", 0)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.url = "smtp://" + ln.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	t.Cleanup(func() { // the listener too: Close knows it only once Serve has begun
		if err := errors.Join(server.Close(), ln.Close(), <-ended); err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("mail server: %v", err)
		}
	})
	return m
}

// release answers from now on.
func (m *mailServer) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = -1
	close(m.hold)
}

// counts returns how many messages it took, by "recipient page".
func (m *mailServer) counts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.took)
}

// take keeps a message and returns what to wait for before it is answered.
func (m *mailServer) take(recipient, text string) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	page := "/verify-email"
	if strings.Contains(text, "/reset-password") {
		page = "/reset-password"
	}
	m.took[recipient+" "+page]++
	if m.left == 0 {
		return m.hold
	}
	m.left--
	open := make(chan struct{})
	close(open)
	return open
}

type mailSession struct {
	server *mailServer
	to     []string
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Reset()                               { s.to = nil }
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(slices.Clone(s.to), to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	<-s.server.take(strings.Join(s.to, ","), string(text))
	return nil
}
