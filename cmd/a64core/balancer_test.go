//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// balancer is a program in front of a fleet, with the configuration that we ship, in which nothing but addresses, ports and
// paths are others.
type balancer struct {
	name         string
	secure, open string // host:port for https and for plain HTTP
	roots        *x509.CertPool
}

// balancers are those that we ship a configuration for.
func balancers() []string { return []string{"nginx", "haproxy"} }

// balance starts the balancer of that name in front of the fleet.
func balance(t *testing.T, name string, f *fleet) *balancer {
	t.Helper()
	testdb.Program(t, name)
	b := &balancer{name: name, open: testdb.FreeAddr(t), roots: x509.NewCertPool()}
	certFile, keyFile := writeCertificate(t, "hub.example.com")
	cert, key := readFile(t, certFile), readFile(t, keyFile)
	b.roots.AppendCertsFromPEM([]byte(cert))
	server := testdb.StartProgram(t, name, func(addr, dir string) []string {
		replace := []string{"/etc/" + name + "/tls/", dir + "/"}
		for i, instance := range f.addrs {
			replace = append(replace, "api"+string('1'+rune(i))+":8000", instance)
		}
		switch name {
		case "nginx":
			replace = append(replace, "listen 80 ", "listen "+b.open+" ", "listen 443 ", "listen "+addr+" ", "/run/nginx.pid", dir+"/pid", "/tmp/nginx-", dir+"/")
		case "haproxy":
			replace = append(replace, "bind :80\n", "bind "+b.open+"\n", "bind :443 ", "bind "+addr+" ")
		}
		write(t, filepath.Join(dir, "tls.crt"), cert)
		write(t, filepath.Join(dir, "tls.key"), key)
		write(t, filepath.Join(dir, "tls.pem"), cert+key)
		file := filepath.Join(dir, name+".conf")
		write(t, file, replaced(t, readFile(t, configuration(name)), replace))
		if name == "haproxy" {
			return []string{"-f", file}
		}
		directives := "daemon off;"
		if os.Getuid() == 0 {
			directives += " user root;" // others may not enter the folders of a test
		}
		return []string{"-p", dir, "-e", "stderr", "-c", file, "-g", directives}
	})
	b.secure = server.Addr()
	return b
}

// configuration returns the file that we ship.
func configuration(name string) string {
	file := map[string]string{"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[name]
	return filepath.Join("..", "..", "deploy", name, file)
}

// replaced returns the text with all of the pairs, each of which must be in it, replaced.
func replaced(t *testing.T, text string, pairs []string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q", pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// client returns the fleet as one server, as a client of this address (of 127.0.0.0/8) sees it through the balancer.
func (b *balancer) client(t *testing.T, address string) *server {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			if addr == "plain.example.com:80" {
				return dialer.DialContext(ctx, "tcp", b.open)
			}
			return dialer.DialContext(ctx, "tcp", b.secure)
		},
		TLSClientConfig: &tls.Config{RootCAs: b.roots}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &server{url: "https://hub.example.com", http: &http.Client{
		Transport: transport, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// fleetBehind starts a fleet and the balancer in front of it.
func fleetBehind(t *testing.T, name, mode string, settings ...string) (*fleet, *balancer) {
	t.Helper()
	testdb.Program(t, name) // before anything is started in vain
	f := newFleet(t, mode, slices.Concat([]string{"TRUSTED_PROXIES=127.0.0.1"}, settings)...)
	return f, balance(t, name, f)
}
