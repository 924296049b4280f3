//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBalancers looks at what clients see through each balancer that we ship a configuration for, of hubs in production.
func TestBalancers(t *testing.T) {
	t.Parallel()
	for _, name := range balancers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := append(smtpSettings(startMailServer(t, -1)), "ENVIRONMENT=production", "FRONTEND_URL=https://app.example.com",
				"RATE_LIMIT_GUEST=10", "BCRYPT_COST=12", "HASH_WAIT=30s", "LOG_FORMAT=text")
			f, b := fleetBehind(t, name, fleetModes()[0], settings...)
			slow := b.keepWaiting(t, "127.0.0.6") // meanwhile others are served
			t.Run("TLS", b.testTLS)
			t.Run("plain HTTP", b.testPlainHTTP)
			t.Run("client address", func(t *testing.T) { b.testAddress(t, f) })
			t.Run("sizes", b.testSizes)
			t.Run("malformed", b.testMalformed)
			t.Run("request ids", b.testRequestIDs)
			t.Run("sign-ins that wait", b.testStorm)
			t.Run("slow clients", func(t *testing.T) { wantCutOff(t, slow) })
			for _, instance := range f.instances {
				instance.kill()
			}
			t.Run("nobody there", b.testNobodyThere)
		})
	}
}

// HDR-17
func (b *balancer) testTLS(t *testing.T) {
	for _, tt := range []struct {
		version uint16
		want    bool
	}{{tls.VersionTLS10, false}, {tls.VersionTLS11, false}, {tls.VersionTLS12, true}, {tls.VersionTLS13, true}} {
		c, err := tls.Dial("tcp", b.secure, &tls.Config{
			RootCAs: b.roots, ServerName: "hub.example.com", MinVersion: tt.version, MaxVersion: tt.version,
		})
		if (err == nil) != tt.want {
			t.Errorf("%s: %v", tls.VersionName(tt.version), err)
		}
		if err == nil {
			c.Close()
		}
	}
	response := b.get(t, "127.0.0.1", "https://hub.example.com/api/health", nil)
	if response.StatusCode != 200 || response.ProtoMajor != 2 {
		t.Errorf("%s %s", response.Proto, response.Status)
	}
	wantHSTSOnce(t, response)
}

// ASVS 4.1.2: a page is led to https, a client that sends its token in the clear is told.
func (b *balancer) testPlainHTTP(t *testing.T) {
	page := b.get(t, "127.0.0.1", "http://plain.example.com/api/docs?a=b", nil)
	if page.StatusCode != 308 || page.Header.Get("Location") != "https://plain.example.com/api/docs?a=b" {
		t.Errorf("%s %v", page.Status, page.Header)
	}
	wantProblem(t, b.get(t, "127.0.0.1", "http://plain.example.com/api/v1/auth/me", nil), 403, "FORBIDDEN", "/api/v1/auth/me")
}

// RTL-06, RTL-08
func (b *balancer) testAddress(t *testing.T, f *fleet) {
	spoofed := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Request-Id": {"spoofed"}}
	b.get(t, "127.0.0.2", "https://hub.example.com/api/health", spoofed)
	waitFor(t, func() string {
		for _, instance := range f.instances {
			for line := range strings.Lines(instance.log.String()) {
				if strings.Contains(line, "request_id=spoofed") {
					if !strings.Contains(line, " ip=127.0.0.2 ") {
						t.Errorf("another address: %s", line)
					}
					return ""
				}
			}
		}
		return "no instance has heard of the request"
	})

	admitted := 0
	for n := range 40 { // without Redis each of three counts for itself
		header := http.Header{"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", n), "198.51.100.1, 127.0.0.1"}}
		if b.get(t, "127.0.0.3", "https://hub.example.com/api/v1/auth/me", header).StatusCode == 401 {
			admitted++
		}
	}
	if admitted < 10 || admitted > 30 {
		t.Errorf("%d of 40 guest's requests were admitted", admitted)
	}
	if got := b.get(t, "127.0.0.4", "https://hub.example.com/api/v1/auth/me", nil); got.StatusCode != 401 {
		t.Errorf("another guest: %s", got.Status)
	}
}

// HTT-05, HTT-09: up to what the balancer takes, the hub's limits are those that count.
func (b *balancer) testSizes(t *testing.T) {
	const path = "/api/v1/auth/login"
	for _, size := range []int{64<<10 + 1, 1 << 20} {
		response := b.do(t, "127.0.0.5", "POST", "https://hub.example.com"+path, http.Header{"Content-Type": {"application/json"}}, make([]byte, size))
		wantProblem(t, response, 413, "PAYLOAD_TOO_LARGE", path)
	}
	header := http.Header{"X-Large": {strings.Repeat("a", 24<<10)}}
	if got := b.get(t, "127.0.0.5", "https://hub.example.com/api/health", header); got.StatusCode != 200 {
		t.Errorf("a header of 24 KiB: %s", got.Status)
	}
}

// HTT-16, HTT-17
func (b *balancer) testMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"no HTTP":     "\x16\x03\x01hello\r\n\r\n",
		"two lengths": "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"no host":     "GET /api/health HTTP/1.1\r\n\r\n",
		"huge header": "GET /api/health HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 200<<10) + "\r\n\r\n",
	} {
		c, err := tls.Dial("tcp", b.secure, &tls.Config{RootCAs: b.roots, ServerName: "hub.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(c, text) }() // it may be answered before it is read
		answer, err := io.ReadAll(c)
		head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		isProblem := json.Valid([]byte(body)) && strings.Contains(body, `"MALFORMED_REQUEST"`)
		if !strings.HasPrefix(head, "HTTP/1.1 4") || b.name == "nginx" && !isProblem { // HAProxy has pages for these
			t.Errorf("%s: %q, %v", name, answer, err)
		}
	}
}

// HTT-18
func (b *balancer) testRequestIDs(t *testing.T) {
	for given, kept := range map[string]bool{"abc-1.2_3": true, "<script>": false, strings.Repeat("a", 65): false, "": false} {
		for _, url := range []string{"https://hub.example.com/api/health", "http://plain.example.com/api/v1/auth/me"} {
			got := b.get(t, "127.0.0.1", url, http.Header{"X-Request-Id": {given}}).Header["X-Request-Id"]
			if len(got) != 1 || got[0] == "" || (got[0] == given) != kept {
				t.Errorf("%s: the id %q became %q", url, given, got)
			}
		}
	}
}

// keepWaiting makes as many connections from an address as it may have, and sends requests on them that remain without their
// body. Then the address gets nothing more. HTT-07, HTT-21
func (b *balancer) keepWaiting(t *testing.T, from string) []*tls.Conn {
	t.Helper()
	dialer := &tls.Dialer{
		NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}},
		Config:    &tls.Config{RootCAs: b.roots, ServerName: "hub.example.com"},
	}
	slow := make([]*tls.Conn, 100)
	begin := func(i int) {
		c, err := dialer.DialContext(t.Context(), "tcp", b.secure)
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = c.Close() }) // it has been cut off
		slow[i] = c.(*tls.Conn)
		if _, err := io.WriteString(c, "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"); err != nil {
			t.Error(err)
		}
	}
	var wg sync.WaitGroup
	for i := range slow { // at once, or the first would be cut off before the last are there, where time is short
		wg.Go(func() { begin(i) })
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	another := b.client(t, from).http
	waitFor(t, func() string { // until it has read all of that
		request, err := http.NewRequestWithContext(t.Context(), "GET", "https://hub.example.com/api/health", nil) // which the hub does not limit
		if err != nil {
			t.Fatal(err)
		}
		response, err := another.Do(request)
		if err != nil {
			return "" // HAProxy counts connections, and refuses one too many
		}
		defer response.Body.Close()
		if response.StatusCode == 429 {
			return "" // nginx counts requests
		}
		for i, c := range slow { // this request may have taken the place of one that came meanwhile
			if isAnswered(t, c) {
				begin(i)
			}
		}
		return "one too many: " + response.Status
	})
	return slow
}

// isAnswered reports whether the connection has brought an answer, or its end.
func isAnswered(t *testing.T, c *tls.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// wantCutOff wants the connections to be ended long before their clients say anything, with an answer or without.
func wantCutOff(t *testing.T, slow []*tls.Conn) {
	t.Helper()
	patience := time.Now().Add(40 * time.Second)
	for _, c := range slow {
		if err := c.SetReadDeadline(patience); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("still there: %q", answer)
		}
	}
}

// The queue for hashing is the hub's: however long it is, no balancer may lose patience before it.
func (b *balancer) testStorm(t *testing.T) {
	var storm sync.WaitGroup
	for n := range 16 {
		storm.Go(func() { // each a guest of its own
			s := b.client(t, fmt.Sprintf("127.0.1.%d", n+1))
			if status, answer := s.try("POST", "/api/v1/auth/register", "", registration(address(n))); status != 201 {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	storm.Wait()
}

// An outage has the form of every problem.
func (b *balancer) testNobodyThere(t *testing.T) {
	for _, path := range []string{"/api/health", "/api/v1/users/%22me%22"} {
		response := b.get(t, "127.0.0.1", "https://hub.example.com"+path+"?token=SECRET", nil)
		if response.StatusCode != 502 && response.StatusCode != 503 || response.Header.Get("Retry-After") != "5" {
			t.Errorf("%s %v", response.Status, response.Header)
		}
		wantProblem(t, response, response.StatusCode, "UNAVAILABLE", path)
	}
}

func (b *balancer) get(t *testing.T, from, url string, header http.Header) *http.Response {
	t.Helper()
	return b.do(t, from, "GET", url, header, nil)
}

// do sends a request as a client of that address, and returns the answer with its body read.
func (b *balancer) do(t *testing.T, from, method, url string, header http.Header, body []byte) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := b.client(t, from).http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response
}

// wantProblem wants a problem in the form of docs/errors.md, whoever made it.
func wantProblem(t *testing.T, response *http.Response, status int, code, instance string) {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Type, Title, Detail, Instance, Code, RequestID string
		Status                                         int
		Timestamp                                      time.Time
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatalf("%s: %v in %s", response.Status, err, text)
	}
	if response.StatusCode != status || p.Status != status || p.Code != code || p.Instance != instance ||
		p.Type != "urn:a64core:problem:"+strings.ToLower(strings.ReplaceAll(code, "_", "-")) || p.Title == "" || p.Detail == "" {
		t.Errorf("%s: %s, want %d %s at %s", response.Status, text, status, code, instance)
	}
	if ids := response.Header["X-Request-Id"]; len(ids) != 1 || ids[0] != p.RequestID || p.RequestID == "" {
		t.Errorf("the request is %q in the header and %q in the body", ids, p.RequestID)
	}
	if p.Timestamp.Location() != time.UTC || time.Since(p.Timestamp).Abs() > 2*time.Minute {
		t.Errorf("timestamp %v in %s", p.Timestamp, text)
	}
	h := response.Header
	if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	if response.Request.URL.Scheme == "https" {
		wantHSTSOnce(t, response)
	}
}

func wantHSTSOnce(t *testing.T, response *http.Response) {
	t.Helper()
	if got := response.Header["Strict-Transport-Security"]; len(got) != 1 || got[0] != "max-age=63072000; includeSubDomains" {
		t.Errorf("Strict-Transport-Security: %q", got)
	}
}
