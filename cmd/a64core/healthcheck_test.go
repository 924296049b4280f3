package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub/internal/config"
)

// writeCertificate writes a self-signed certificate for the name, and its key.
func writeCertificate(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// healthHandler answers /api/health with 200 and /api/ready with the status, and redirects all else there.
func healthHandler(ready int) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /api/ready", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/api/health")
		w.WriteHeader(ready)
	})
	return mux
}

func portOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestHealthcheckTellsWhatTheServerAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		ready  int
		args   []string
		code   int
		output string
	}{
		{"ready", 200, nil, exitOK, "healthy"},
		{"not ready", 503, nil, exitFailure, "answered 503"},
		{"not ready, but alive", 503, []string{"--live"}, exitOK, "healthy"},
		{"redirect is no answer", 302, nil, exitFailure, "answered 302"},
		{"ready in JSON", 200, []string{"--json"}, exitOK, `"healthy": true`},
		{"not ready in JSON", 503, []string{"--json"}, exitFailure, `"status": 503`},
		{"server that listens everywhere", 200, []string{"--host=0.0.0.0"}, exitOK, "healthy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(healthHandler(tt.ready))
			defer server.Close()
			got := try(t, nil, append([]string{"healthcheck", "--port", portOf(t, server)}, tt.args...)...)
			if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.output) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestHealthcheckOverTLSTrustsTheServersOwnCertificateOnly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"hub.example.com", "*.example.com"} {
		certFile, keyFile := writeCertificate(t, name)
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(healthHandler(200))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		server.StartTLS()
		defer server.Close()

		port := portOf(t, server)
		got := try(t, map[string]string{"PORT": port, "TLS_CERT_FILE": certFile, "TLS_KEY_FILE": keyFile}, "healthcheck")
		if got.code != exitOK {
			t.Errorf("%s: own certificate: %+v", name, got)
		}
		otherCert, otherKey := writeCertificate(t, name)
		got = try(t, map[string]string{"PORT": port, "TLS_CERT_FILE": otherCert, "TLS_KEY_FILE": otherKey}, "healthcheck")
		if got.code != exitFailure {
			t.Errorf("%s: another's certificate: %+v", name, got)
		}
	}
}

func TestHealthcheckNeedsAPort(t *testing.T) {
	t.Parallel()
	if got := try(t, nil, "healthcheck", "--port=0"); got.code != exitFailure || !strings.Contains(got.stderr, "name the port") {
		t.Errorf("got %+v", got)
	}
}

func TestLocalURLReachesTheServerFromThisMachine(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, host, want string }{
		{"loopback", "127.0.0.1", "http://127.0.0.1:80/x"},
		{"every IPv4 address", "0.0.0.0", "http://127.0.0.1:80/x"},
		{"every address", "::", "http://[::1]:80/x"},
		{"IPv6", "2001:db8::1", "http://[2001:db8::1]:80/x"},
		{"name", "localhost", "http://localhost:80/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := localURL(config.Config{Host: tt.host, Port: 80}, "/x"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
