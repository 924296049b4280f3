package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/a64core/hub/internal/config"
)

// healthcheckTimeout bounds the whole question. Supervisors ask every few seconds.
const healthcheckTimeout = 3 * time.Second

type healthcheckCommand struct {
	Live bool `help:"Ask whether the process answers at all (/api/health), not whether it can serve (/api/ready)."`
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (healthcheckCommand) Help() string {
	return `Asks the server at HOST and PORT on this machine, over HTTPS if TLS_CERT_FILE is set, and exits with 0 if it is ready to
serve within 3 seconds, else with 1. Give it the same settings as the server.

Examples:

    a64core healthcheck
    a64core healthcheck --live --port 9000
    HEALTHCHECK CMD ["/a64core", "healthcheck"]`
}

// Run asks the server.
func (cmd healthcheckCommand) Run(ctx context.Context, p *program) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	client, err := localClient(c)
	if err != nil {
		return err
	}
	path := "/api/ready"
	if cmd.Live {
		path = "/api/health"
	}
	place := localURL(c, path)
	status, err := askStatus(ctx, client, place)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	healthy := status == http.StatusOK
	if cmd.JSON {
		if err := printJSON(p.stdout, struct {
			Healthy bool   `json:"healthy"`
			Status  int    `json:"status"`
			URL     string `json:"url"`
		}{healthy, status, place}); err != nil {
			return err
		}
	}
	switch {
	case !healthy && cmd.JSON:
		return errReported
	case !healthy:
		return fmt.Errorf("%s answered %d", place, status)
	case cmd.JSON:
		return nil
	}
	return printText(p.stdout, "healthy\n")
}

func askStatus(ctx context.Context, client *http.Client, place string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// localURL returns where this machine reaches the server: "all addresses" is none to connect to.
func localURL(c config.Config, path string) string {
	host := c.Host
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
		if addr.Is6() {
			host = "::1"
		}
	}
	u := url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.Itoa(c.Port)), Path: path}
	if c.TLS() {
		u.Scheme = "https"
	}
	return u.String()
}

// localClient returns a client for the server on this machine. It trusts exactly the server's own certificate, whoever
// issued it, under the name that the certificate is for: the server is asked at an address that this rarely names.
func localClient(c config.Config) (*http.Client, error) {
	if c.Port == 0 {
		return nil, errors.New("PORT is 0, any free one: name the port that the server has")
	}
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy
	if c.TLS() {
		certificate, err := readCertificate(c.TLSCertFile)
		if err != nil {
			return nil, fmt.Errorf("read TLS_CERT_FILE: %w", err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(certificate)
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: certificateName(certificate)}
	}
	return &http.Client{
		Transport: transport, Timeout: healthcheckTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// readCertificate returns the first certificate in a PEM file: the server's, before those that issued it.
func readCertificate(path string) (*x509.Certificate, error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("no certificate in it")
}

// certificateName returns a name that the certificate is valid for.
func certificateName(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return strings.Replace(c.DNSNames[0], "*", "healthcheck", 1)
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return ""
}
