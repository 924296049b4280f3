package api_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub/internal/hubtest"
)

// plainHeader is the header of every token that the hub makes.
const plainHeader = `{"alg":"HS256","typ":"JWT"}`

// forge makes a token of exactly these bytes, as whoever knows the key could.
func forge(header, payload, key string) string {
	signed := segment(header) + "." + segment(payload)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + segment(string(mac.Sum(nil)))
}

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// object is a JSON object: a body, or what a token says.
type object map[string]any

// absent, as a value, takes a member away.
type absent struct{}

// claimsOf reads the claims of a token.
func claimsOf(t testing.TB, token string) object {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d segments", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatalf("decode claims: %v", err)
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("decode claims: %v", err)
	}
	return o
}

// with returns the object with other values.
func (o object) with(changes object) object {
	changed := maps.Clone(o)
	for name, value := range changes {
		if _, ok := value.(absent); ok {
			delete(changed, name)
		} else {
			changed[name] = value
		}
	}
	return changed
}

func (o object) json(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return string(text)
}

// minted returns a token with these claims and the right MAC.
func (o object) minted(t testing.TB) string {
	t.Helper()
	return forge(plainHeader, o.json(t), hubtest.SecretKey)
}

// answerOf is what a client can tell an answer by: all of it but what differs from request to request.
type answerOf struct {
	Status int
	Header http.Header
	Body   map[string]any
}

func whole(t testing.TB, a hubtest.Answer) answerOf {
	t.Helper()
	w := answerOf{a.Status, a.Header.Clone(), map[string]any{}}
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} {
		w.Header.Del(name)
	}
	if len(a.Body) > 0 {
		w.Body = a.JSON(t)
	}
	delete(w.Body, "requestId")
	delete(w.Body, "timestamp")
	return w
}

// exchange sends bytes over a connection of their own and returns the status of the answer and its header.
func exchange(t testing.TB, h *hubtest.Hub, request string) (status int, header http.Header) {
	t.Helper()
	c := h.Dial(t)
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatalf("send: %v", err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("read the answer to %.80q: %v", request, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header
}
