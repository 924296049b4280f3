package app_test

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
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub/internal/hubtest"
)

// certificate writes a certificate for 127.0.0.1 and its key into files.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	roots = x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		text := pem.EncodeToMemory(block)
		roots.AppendCertsFromPEM(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), roots
}

func TestHDR17_TLSWithoutOldVersionsOrPlainHTTP(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := certificate(t)
	h := hubtest.Start(t, hubtest.Settings{"TLS_CERT_FILE": certFile, "TLS_KEY_FILE": keyFile})
	for version, want := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", h.Addr(), &tls.Config{RootCAs: roots, MinVersion: version, MaxVersion: version})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if a := exchange(t, h.Dial(t), "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\n\r\n"); a.StatusCode != 400 || a.Header.Get("Location") != "" {
		t.Errorf("plain HTTP: %d, %v", a.StatusCode, a.Header)
	}
	for _, http2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2}
		a, err := (&http.Client{Transport: transport}).Get("https://" + h.Addr() + "/api/health")
		if err != nil {
			t.Fatal(err)
		}
		if a.StatusCode != 200 || a.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: %d, %v", a.Proto, a.StatusCode, a.Header)
		}
		if err := a.Body.Close(); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	}
}

func TestHDR14_DocumentationOnlyIfEnabled(t *testing.T) {
	t.Parallel()
	for enabled, want := range map[string]int{"true": 200, "false": 404} {
		h := hubtest.Start(t, hubtest.Settings{"DOCS_ENABLED": enabled})
		for _, path := range []string{"/api/docs", "/api/redoc", "/api/openapi.json"} {
			a := h.Do(t, hubtest.Request{Method: "GET", Path: path}).Want(t, want)
			if csp := a.Header["Content-Security-Policy"]; len(csp) != 1 || a.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: headers %v", path, a.Header)
			}
		}
	}
}
