package attack_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// headerSize is about how long a header may be.
const headerSize = 28 << 10

// lines returns a header: what is repeated as often as fits between what is around it.
func lines(before, repeated, after string) string {
	text := before + strings.Repeat(repeated, (headerSize-len(before)-len(after))/len(repeated)) + after
	return strings.TrimSuffix(text, "\r\n") + "\r\n"
}

// TestHTT09_NoHeaderIsMuchDearerThanAPlainOne is not parallel: it measures memory and time.
func TestHTT09_NoHeaderIsMuchDearerThanAPlainOne(t *testing.T) { // HTT-10, HTT-19
	hubtest.OnlySQLite(t, "no header gets as far as a database")
	h := hubtest.Start(t, hubtest.Settings{"TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8", "ALLOWED_ORIGINS": "https://front.example.com"})
	token := h.SignUp(t, hub.RoleAdmin).AccessToken
	names := strings.Builder{}
	for i := 0; names.Len() < headerSize; i++ {
		fmt.Fprintf(&names, "%x:\r\n", i)
	}
	const me = "GET /api/v1/auth/me HTTP/1.1\r\n"
	headers := []struct{ name, line, text string }{
		{"many names", me, names.String()},
		{"one name many times", me, lines("", "A:\r\n", "")},
		{"names to be changed", me, lines("", "aaaa-bbbb-cccc: x\r\n", "")},
		{"folded", me, lines("A: a", "\r\n a", "")},
		{"space", me, lines("A:", " ", "a")},
		{"cookies", me, lines("Cookie: ", "a=1;", "")},
		{"hops", me, lines("X-Forwarded-For: ", "1,", "1")},
		{"trusted hops", me, lines("X-Forwarded-For: ", "10.1.1.1,", "10.1.1.1")},
		{"no hops", me, lines("X-Forwarded-For: ", ",", "")},
		{"lines of hops", me, lines("", "X-Forwarded-For: 10.1.1.1\r\n", "")},
		{"media types", me, lines("Accept: ", "a/b;q=0.1,", "")},
		{"encodings", me, lines("Accept-Encoding: ", "gzip;q=0,", "")},
		{"languages", me, lines("Accept-Language: ", "en,", "")},
		{"ranges", me, lines("Range: bytes=", "0-0,", "")},
		{"tags", me, lines("If-None-Match: ", `"a",`, "")},
		{"one's name", me, lines("User-Agent: ", "\xff", "")},
		{"request ids", me, lines("", "X-Request-Id: a\r\n", "")},
		{"a long request id", me, lines("X-Request-Id: ", "a", "")},
		{"trace", me, lines("Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nTracestate: ", "a=1,", "")},
		{"a long origin", me, lines("Origin: https://", "a.", "a")},
		{"options of the connection", me, lines("Connection: ", "a,", "")},
		{"what to expect", me, lines("Expect: ", "100-continue,", "")},
		{"a trailer", me, lines("Trailer: ", "a,", "")},
		{"a long host", me, lines("Host: ", "a.", "a")},
		{"a token of dots", "GET /api/v1/auth/me?again HTTP/1.1\r\n", lines("Authorization: Bearer ", ".", "")},
		{"tokens", me, lines("", "Authorization: Bearer a\r\n", "")},
		{"a preflight", "OPTIONS /api/v1/auth/me HTTP/1.1\r\n", lines("Origin: https://front.example.com\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: ", "a,", "a")},
		{"parameters of a type", "POST /api/v1/auth/login HTTP/1.1\r\n", lines("Content-Length: 2\r\nContent-Type: application/json", ";a=b", "")},
		{"encodings of a body", "POST /api/v1/auth/login HTTP/1.1\r\n", lines("Content-Length: 2\r\nContent-Type: application/json\r\nContent-Encoding: ", "gzip,", "gzip")},
		{"parameters", "GET /api/v1/users?" + strings.Repeat("a&", headerSize/2) + " HTTP/1.1\r\n", ""},
		{"one parameter many times", "GET /api/v1/users?" + strings.Repeat("page=1&", headerSize/7) + " HTTP/1.1\r\n", ""},
		{"escapes in a parameter", "GET /api/v1/users?search=" + strings.Repeat("%41", headerSize/3) + " HTTP/1.1\r\n", ""},
		{"a long cursor", "GET /api/v1/users?cursor=" + strings.Repeat("a", headerSize) + " HTTP/1.1\r\n", ""},
		{"escapes in a path", "GET /api/v1/users/" + strings.Repeat("%41", headerSize/3) + " HTTP/1.1\r\n", ""},
		{"a path of slashes", "GET /api/v1/users" + strings.Repeat("/", headerSize) + " HTTP/1.1\r\n", ""},
		{"a path up", "GET /api/v1/users" + strings.Repeat("/..", headerSize/3) + " HTTP/1.1\r\n", ""},
		{"a long method", strings.Repeat("A", headerSize) + " /api/v1/users HTTP/1.1\r\n", ""},
	}
	c := &bare{h: h}
	send := func(line, header string) (took time.Duration, allocated uint64, status int) {
		request := line
		if !strings.Contains(header, "Host:") {
			request += "Host: hub\r\n"
		}
		if !strings.Contains(header, "Authorization:") {
			request += "Authorization: Bearer " + token + "\r\n"
		}
		request += header + "\r\n"
		if strings.HasPrefix(line, "POST") {
			request += "{}"
		}
		text := []byte(request)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		status = c.send(t, text)
		took = time.Since(began)
		runtime.ReadMemStats(&after)
		return took, after.TotalAlloc - before.TotalAlloc, status
	}
	plain := lines("X-A: ", "a", "")
	floor, floorBytes, _ := send(me, plain)
	for range 20 {
		d, n, status := send(me, plain)
		if status != http.StatusOK {
			t.Fatalf("a plain header: status %d", status)
		}
		floor, floorBytes = min(floor, d), min(floorBytes, n)
	}
	for _, header := range headers {
		took, allocated, status := send(header.line, header.text)
		for again := 0; again < 2 || took > 20*floor+5*time.Millisecond && again < 20; again++ { // it may have been others' turn each time
			d, n, _ := send(header.line, header.text)
			took, allocated = min(took, d), min(allocated, n)
		}
		t.Logf("%s: %d, %v and %d KiB; plain %v and %d KiB", header.name, status, took, allocated>>10, floor, floorBytes>>10)
		if status >= 500 && status != http.StatusNotImplemented {
			t.Errorf("%s: status %d", header.name, status)
		}
		if took > 20*floor+5*time.Millisecond {
			t.Errorf("%s took %v, a plain header %v", header.name, took, floor)
		}
		if allocated > floorBytes+2<<20 {
			t.Errorf("%s took %d KiB, a plain header %d", header.name, allocated>>10, floorBytes>>10)
		}
	}
}

// bare is a client that keeps a bare connection to the hub as long as the hub does.
type bare struct {
	h *hubtest.Hub
	c net.Conn
	r *bufio.Reader
}

// send writes the text of one request and returns the answer's status.
func (b *bare) send(t *testing.T, text []byte) int {
	t.Helper()
	if b.c == nil {
		b.c = b.h.Dial(t)
		b.r = bufio.NewReader(b.c)
	}
	if err := b.c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.c.Write(text); err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	a, err := http.ReadResponse(b.r, nil)
	if err != nil {
		t.Fatalf("no answer to %.60q: %v", text, err)
	}
	if _, err := io.Copy(io.Discard, a.Body); err != nil && !a.Close { // what the hub did not read may cost the end of its last answer
		t.Fatalf("half an answer to %.60q, %s: %v", text, a.Status, err)
	}
	if a.Close {
		_ = b.c.Close()
		b.c = nil
	}
	return a.StatusCode
}
