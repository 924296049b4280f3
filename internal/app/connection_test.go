package app_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// patience is how long a test waits for what must come at once.
const patience = 10 * time.Second

// converse writes text to the connection and reads up to n answers with their bodies, fewer if the hub closes it before.
func converse(t *testing.T, c net.Conn, text string, n int) (answers []*http.Response) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	go func() { // the hub may answer and close before it has read everything
		defer close(written)
		_, _ = io.WriteString(c, text)
	}()
	r := bufio.NewReader(c)
	for range n {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			break
		}
		body, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatalf("half an answer to %.60q: %v", text, err)
		}
		a.Body = io.NopCloser(bytes.NewReader(body))
		answers = append(answers, a)
	}
	if n > 0 && len(answers) == n {
		return answers
	}
	<-written
	return answers
}

func TestR25_OneInterpretationOfFraming(t *testing.T) { // HTT-16, HTT-17
	t.Parallel()
	h := hubtest.Start(t)
	const login = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	const smuggled = "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n"
	tests := []struct {
		name, text string
		want       []int
	}{
		// The chunks count; what follows must not be taken for a request (RFC 9112, section 6.1).
		{"both lengths", login + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
		{"two lengths", login + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + smuggled, []int{400}},
		{"a space before the colon", login + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}},
		{"an unknown encoding", login + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, []int{501}},
		{"a folded encoding", login + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled, []int{400}}, // RFC 9112, section 5.2: a fold is a space
		{"a fold before any name", "POST /api/v1/auth/login HTTP/1.1\r\n Content-Length: 2\r\nHost: x\r\n\r\n{}" + smuggled, []int{400}},
		{"a bad chunk", login + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" + smuggled, []int{400}},
		{"a negative length", login + "Content-Length: -1\r\n\r\n" + smuggled, []int{400}},
		{"a byte of no name", login + "X-\x80: 1\r\n\r\n" + smuggled, []int{400}},
		{"NUL in a value", login + "X-A: a\x00b\r\n\r\n" + smuggled, []int{400}},
		{"no host", "GET /api/health HTTP/1.1\r\n\r\n" + smuggled, []int{400}},
		{"two hosts", "GET /api/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + smuggled, []int{400}},
		{"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{505}}, // HTT-24
		{"no HTTP", "\x16\x03\x01\x00\xa5hello\r\n\r\n", []int{400}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []int
			for _, a := range converse(t, h.Dial(t), tt.text, 3) {
				got = append(got, a.StatusCode)
			}
			if tt.want[0] == 505 && len(got) == 1 && got[0] >= 400 {
				return // refused in one way or another
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("answers %v, want %v and the connection closed", got, tt.want)
			}
		})
	}
}

func TestR25_AnAbsoluteTargetDecidesNothing(t *testing.T) { // HTT-17, HTT-24
	t.Parallel()
	h := hubtest.Start(t)
	for _, request := range []string{
		"GET http://evil.example/api/health HTTP/1.1\r\nHost: good\r\n\r\n",
		"GET /api/health HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
	} {
		a := exchange(t, h.Dial(t), request)
		text, err := io.ReadAll(a.Body)
		if a.StatusCode != 200 || bytes.Contains(text, []byte("evil")) || err != nil {
			t.Errorf("%d %s %v", a.StatusCode, text, err)
		}
	}
}

func TestR25_SizeOfTheHeaderIsLimited(t *testing.T) { // HTT-09, HTT-10, JWT-24
	t.Parallel()
	h := hubtest.Start(t)
	tests := []struct {
		name, text string
		want       []int
	}{
		{"a header of 64 KiB", "GET /api/health HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", []int{431}},
		{"10,000 headers", "GET /api/health HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: 12345\r\n", 10_000) + "\r\n", []int{431}},
		{"a target of 64 KiB", "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{431, 414}},
		{"a bearer of 1 MiB", "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat(".", 1<<20) + "\r\n\r\n", []int{431}},
		{"a bearer of 8 KiB", "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat("a", 8<<10) + "\r\n\r\n", []int{401}},
		{"24 KiB are served", "GET /api/health HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 24<<10) + "\r\n\r\n", []int{200}},
		{"thousands of parameters", "GET /api/v1/nothing?" + strings.Repeat("a=1&", 5_000) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := exchange(t, h.Dial(t), tt.text).StatusCode; !slices.Contains(tt.want, got) {
				t.Errorf("status %d, want %v", got, tt.want)
			}
		})
	}
}

func TestR25_SizeOfTheBodyIsLimited(t *testing.T) { // HTT-05
	t.Parallel()
	h := hubtest.Start(t)
	const head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	tests := []struct {
		name, text string
		want       int
	}{
		{"announced", head + "Content-Length: 1048577\r\n\r\n{", 413},
		{"announced, asking first", head + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", 413},
		{"endless chunks", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("a", 0x1000)+"\r\n", 40), 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answers := converse(t, h.Dial(t), tt.text, 1)
			if len(answers) != 1 || answers[0].StatusCode != tt.want || !answers[0].Close {
				t.Errorf("%v, want %d and the connection closed", answers, tt.want)
			}
		})
	}
	t.Run("less than announced", func(t *testing.T) {
		t.Parallel()
		c := h.Dial(t)
		if _, err := io.WriteString(c, head+"Content-Length: 100\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if a := exchange(t, c, ""); a.StatusCode != 400 {
			t.Errorf("status %d, want 400", a.StatusCode)
		}
	})
}

func TestR25_PipelinedRequestsAreAnsweredInOrder(t *testing.T) { // HTT-23
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	body, err := json.Marshal(map[string]string{"email": p.Email, "password": hubtest.Password})
	if err != nil {
		t.Fatal(err)
	}
	login := fmt.Sprintf("POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Request-Id: first\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	me := "GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: second\r\nAuthorization: Bearer " + p.AccessToken + "\r\n\r\n"
	none := "GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\nX-Request-Id: third\r\n\r\n"
	var got []string
	for _, a := range converse(t, h.Dial(t), login+me+none, 3) {
		got = append(got, fmt.Sprint(a.Header.Get("X-Request-Id"), " ", a.StatusCode))
	}
	if want := []string{"first 200", "second 200", "third 404"}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
}

func TestR25_IdleAndSlowClientsStarveNobody(t *testing.T) { // HTT-07, HTT-21
	t.Parallel()
	h := hubtest.Start(t)
	for range 200 {
		if _, err := io.WriteString(h.Dial(t), "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nX-A"); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		exchange(t, h.Dial(t), "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n") // and stays
	}
	began := time.Now()
	p := h.SignUp(t, hub.RoleUser)
	h.Me(t, p.AccessToken).Want(t, 200)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("beside 400 idle clients three requests took %v", took)
	}
}

func TestHTT18_NoRequestIDIsReflectedRaw(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	canary := rand.Text()
	for _, id := range []string{"<script>" + canary, canary + " ; Set-Cookie: x=1", strings.Repeat(canary, 400), "é" + canary} {
		a := h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/nothing", Header: map[string]string{"X-Request-Id": id}}).Want(t, 404)
		if got := a.Header.Get("X-Request-Id"); len(got) == 0 || len(got) > 64 || strings.Contains(got+string(a.Body), canary) {
			t.Errorf("reflected: %q, %s", got, a.Body)
		}
	}
	if strings.Contains(h.Log.String(), canary) {
		t.Error("it is in the log")
	}
}
