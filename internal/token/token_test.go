package token_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

const (
	key     = "the key of these tests: 32 bytes or more"
	oldKey  = "the key before that one, as long as it is"
	user    = "0190a000-0000-7000-8000-000000000001"
	session = "0190a000-0000-7000-8000-000000000002"
	tokenID = "0190a000-0000-7000-8000-000000000003"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func newIssuer(t testing.TB, current string, previous ...string) *token.Issuer {
	t.Helper()
	keys := token.Keys{Current: hub.NewSecret(current)}
	for _, p := range previous {
		keys.Previous = append(keys.Previous, hub.NewSecret(p))
	}
	i, err := token.New(keys, "https://hub.example", "a64core")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func kinds() []token.Kind {
	return []token.Kind{token.Access, token.Refresh, token.Verification, token.Reset, token.EmailChange}
}

// claimsOf returns right claims of a kind, good for an hour.
func claimsOf(kind token.Kind) token.Claims {
	c := token.Claims{Kind: kind, ID: tokenID, UserID: user, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	if kind == token.Access || kind == token.Refresh {
		c.SessionID = session
	}
	if kind != token.Refresh {
		c.Email = "jane@example.com"
	}
	if kind == token.Access {
		c.Role = hub.RoleModerator
	}
	return c
}

func issue(t testing.TB, i *token.Issuer, c token.Claims) string {
	t.Helper()
	s, err := i.Issue(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

const plainHeader = `{"alg":"HS256","typ":"JWT"}`

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// mint signs whatever it is given, as somebody who knows the key could.
func mint(header, payload, key string) string {
	return signRaw(encode(header)+"."+encode(payload), key)
}

func signRaw(signed, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// wire returns the claims of a right access token as a map to tamper with.
func wire(t testing.TB) map[string]any {
	t.Helper()
	_, rest, _ := strings.Cut(issue(t, newIssuer(t, key), claimsOf(token.Access)), ".")
	body, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// payloadWith returns the payload of a right access token with some claims changed; a nil value removes one.
func payloadWith(t testing.TB, changes map[string]any) string {
	t.Helper()
	claims := wire(t)
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
