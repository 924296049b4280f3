//go:build soak

package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSoakHTT07_SlowClientsAreCutOffAndStarveNobody(t *testing.T) {
	took := slowloris(t, 5000, slowRequest, 48)
	if p99 := took[len(took)*99/100]; p99 > 200*time.Millisecond {
		t.Errorf("beside slow clients the p99 of honest logins is %v", p99)
	}
}

// headerFlood returns almost as much of a header as the hub takes, in as many lines as that can have.
func headerFlood() string {
	text := strings.Builder{}
	text.WriteString("POST /api/v1/auth/login HTTP/1.1\r\nHost: hub\r\n")
	for i := 0; text.Len() < 31<<10; i++ {
		fmt.Fprintf(&text, "%x:\r\n", i)
	}
	return text.String() + "X-A: "
}

// TestSoakHTT09_AFloodOfHeadersIsBounded has headers of thousands of lines, which net/http keeps as it reads them: about 0.9 MB each.
func TestSoakHTT09_AFloodOfHeadersIsBounded(t *testing.T) {
	slowloris(t, 500, headerFlood(), 1024)
}

func TestSoakHTT21_IdleConnectionsAreClosedAndStarveNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	const request = "GET /api/health HTTP/1.1\r\nHost: hub\r\n\r\n"
	began := time.Now()
	idle := openSlow(t, strings.TrimPrefix(s.url, "http://"), 2000, request)
	for _, c := range idle {
		a, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", a, err)
		}
	}
	for _, c := range openSlow(t, strings.TrimPrefix(s.url, "http://"), 50, request) {
		if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if a, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || a.StatusCode != http.StatusOK {
			t.Errorf("beside 2000 idle connections a new one got %v, %v", a, err)
		}
	}
	deadline := time.Now().Add(125 * time.Second) // the hub keeps them for two minutes
	for i, c := range idle {
		if err := c.SetReadDeadline(deadline); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Fatalf("idle connection %d after %v: %v", i, time.Since(began), err)
		}
	}
	t.Logf("2000 idle connections were closed %v after the first was opened", time.Since(began).Round(time.Second))
}
