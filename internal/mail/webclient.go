package mail

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// WebConfig says how to talk to mail services that are reached over HTTPS. The zero value will do outside tests.
type WebConfig struct {
	RootCAs *x509.CertPool // that a service's certificate must lead to; nil: the system's

	ConnectTimeout time.Duration // to connect, and again for TLS; 0: 10 s
	SendTimeout    time.Duration // for everything; 0: 30 s
}

func (c WebConfig) sendTimeout() time.Duration { return cmp.Or(c.SendTimeout, 30*time.Second) }

// maxAnswer bounds what is read of a service's answer.
const maxAnswer = 64 << 10

// newWebClient returns a client that goes straight to where it is told: not by a proxy that happens to stand in the
// environment, and not where a redirection points, since requests carry credentials and links.
func newWebClient(c WebConfig) *http.Client {
	connect := cmp.Or(c.ConnectTimeout, 10*time.Second)
	return &http.Client{
		Transport: boundedTransport{&http.Transport{
			DialContext:            (&net.Dialer{Timeout: connect}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connect,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswer,
			MaxIdleConnsPerHost:    2, // as many as the queue has workers
			IdleConnTimeout:        30 * time.Second,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// boundedTransport cuts every answer off at maxAnswer.
type boundedTransport struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, err
}

// retryAfter returns what the Retry-After header of an answer says (RFC 9110, section 10.2.3), or 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 20); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
