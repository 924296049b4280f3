package mail

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// mailService is an HTTP server that keeps what it is asked and answers as told.
type mailService struct {
	url   string
	roots *x509.CertPool // that its certificate leads to, if it has one

	mu       sync.Mutex
	requests []serviceRequest
}

type serviceRequest struct {
	Method, Path, Host string
	Header             http.Header
	Body               []byte
}

func (s *mailService) asked() []serviceRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// startService serves until the test ends.
func startService(t *testing.T, useTLS bool, answer http.HandlerFunc) *mailService {
	t.Helper()
	s := &mailService{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the request: %v", err)
		}
		s.mu.Lock()
		s.requests = append(s.requests, serviceRequest{r.Method, r.RequestURI, r.Host, r.Header.Clone(), body})
		s.mu.Unlock()
		answer(w, r)
	}))
	server.Config.ErrorLog = quietLog()
	if useTLS {
		server.EnableHTTP2 = true
		server.StartTLS()
		s.roots = x509.NewCertPool()
		s.roots.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// says answers with a status, a body, and headers given as name, value, name, value.
func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for pair := range slices.Chunk(headers, 2) {
			w.Header().Set(pair[0], pair[1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangs answers nothing until the client is gone.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// stalls begins an answer and never ends it.
func stalls(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"errors":[`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// cuts closes the connection after raw, which may be nothing or half an answer.
func cuts(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, raw)
		_ = conn.Close()
	}
}

// drivers makes a sender of each service that is reached over HTTP, for tests that hold for all of them.
func drivers() map[string]func(t *testing.T, url string, c WebConfig) Sender {
	return map[string]func(t *testing.T, url string, c WebConfig) Sender{
		"sendgrid": func(_ *testing.T, url string, c WebConfig) Sender {
			return NewSendGridSender(SendGridConfig{URL: url, Key: hub.NewSecret(canaryKey), Web: c})
		},
		"ses": func(t *testing.T, url string, c WebConfig) Sender {
			t.Helper()
			s, err := NewSESSender(SESConfig{
				Region: "eu-west-1", URL: url, AccessKeyID: canaryID, SecretAccessKey: hub.NewSecret(canaryKey),
				SessionToken: hub.NewSecret(canarySession), Web: c,
			})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	}
}

const (
	canaryID      = "AKIAEXAMPLE" // names the key and is no secret
	canaryKey     = "SG.CANARY-key/+="
	canarySession = "CANARY-session/+="
)

// unused returns an address that nobody listens at.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// brief is a timeout that is waited for.
const brief = 100 * time.Millisecond
