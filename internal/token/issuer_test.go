package token_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/token"
)

func TestWhatIsIssuedVerifiesAsItWas(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, key)
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			want := claimsOf(kind)
			got, err := i.Verify(kind, issue(t, i, want), now)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

// Tokens kept by hash are made again from their claims, so that what stands in these texts must never change.
func TestWireForm(t *testing.T) {
	t.Parallel()
	const (
		ids    = `"sub":"` + user + `","sid":"` + session + `","jti":"` + tokenID + `",`
		common = `"iss":"https://hub.example","aud":"a64core","iat":1772600767,"exp":1772604367}`
	)
	tests := []struct {
		kind token.Kind
		want string
	}{
		{token.Access, `{"userId":"` + user + `","email":"jane@example.com","role":"moderator","type":"access",` + ids + common},
		{token.Refresh, `{"userId":"` + user + `","tokenId":"` + tokenID + `","type":"refresh",` + ids + common},
		{token.Reset, `{"userId":"` + user + `","tokenId":"` + tokenID + `","email":"jane@example.com","type":"password_reset",` +
			`"sub":"` + user + `","jti":"` + tokenID + `",` + common},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			got := issue(t, newIssuer(t, key), claimsOf(tt.kind))
			if want := mint(plainHeader, tt.want, key); got != want {
				body, _ := base64.RawURLEncoding.DecodeString(strings.Split(got, ".")[1])
				t.Errorf("payload %s\nwant    %s", body, tt.want)
			}
		})
	}
}

func TestTheSameClaimsGiveTheSameToken(t *testing.T) {
	t.Parallel()
	c := claimsOf(token.Refresh)
	want := issue(t, newIssuer(t, key), c)
	c.IssuedAt = c.IssuedAt.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
	if got := issue(t, newIssuer(t, key, oldKey), c); got != want {
		t.Error("milliseconds, time zone or an older key changed the token")
	}
	c.ID = session
	if issue(t, newIssuer(t, key), c) == want {
		t.Error("another id gave the same token")
	}
}

func TestReissueFindsTheKeyThatSigned(t *testing.T) {
	t.Parallel()
	c := claimsOf(token.Refresh)
	kept, err := newIssuer(t, oldKey).Issue(c)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := newIssuer(t, key, oldKey).Reissue(c, token.Hash(kept))
	if !ok || got.Reveal() != kept.Reveal() {
		t.Error("the previous key did not give the token again")
	}
	if _, ok := newIssuer(t, key).Reissue(c, token.Hash(kept)); ok {
		t.Error("the token was made without its key")
	}
	c.ExpiresAt = c.ExpiresAt.Add(time.Second)
	if _, ok := newIssuer(t, oldKey).Reissue(c, token.Hash(kept)); ok {
		t.Error("other claims gave the token")
	}
	if _, ok := newIssuer(t, oldKey).Reissue(token.Claims{}, token.Hash(kept)); ok {
		t.Error("no claims gave a token")
	}
}

func TestIssueRefusesClaimsThatDoNotFitTheKind(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kind token.Kind
		edit func(*token.Claims)
	}{
		{"no kind", token.Access, func(c *token.Claims) { c.Kind = "" }},
		{"unknown kind", token.Access, func(c *token.Claims) { c.Kind = "admin" }},
		{"no id", token.Refresh, func(c *token.Claims) { c.ID = "" }},
		{"user is no id", token.Access, func(c *token.Claims) { c.UserID = "1" }},
		{"upper-case id", token.Access, func(c *token.Claims) { c.UserID = strings.ToUpper("0190a000-0000-7000-8000-00000000000a") }},
		{"access without session", token.Access, func(c *token.Claims) { c.SessionID = "" }},
		{"access without role", token.Access, func(c *token.Claims) { c.Role = 0 }},
		{"access with a role there is not", token.Access, func(c *token.Claims) { c.Role = 77 }},
		{"access without address", token.Access, func(c *token.Claims) { c.Email = "" }},
		{"refresh with role", token.Refresh, func(c *token.Claims) { c.Role = hub.RoleAdmin }},
		{"refresh with address", token.Refresh, func(c *token.Claims) { c.Email = "a@b.c" }},
		{"mail token with session", token.Reset, func(c *token.Claims) { c.SessionID = session }},
		{"mail token without address", token.Verification, func(c *token.Claims) { c.Email = "" }},
		{"no expiry", token.Access, func(c *token.Claims) { c.ExpiresAt = time.Time{} }},
		{"no issue time", token.Access, func(c *token.Claims) { c.IssuedAt = time.Time{} }},
		{"address not UTF-8", token.Access, func(c *token.Claims) { c.Email = "\xff@b.c" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := claimsOf(tt.kind)
			tt.edit(&c)
			if s, err := newIssuer(t, key).Issue(c); err == nil || !s.IsZero() {
				t.Error("issued")
			}
		})
	}
}

func TestNewRefusesWeakSettings(t *testing.T) {
	t.Parallel()
	long := hub.NewSecret(strings.Repeat("k", 32))
	short := hub.NewSecret(strings.Repeat("k", 31))
	tests := []struct {
		name             string
		keys             token.Keys
		issuer, audience string
		ok               bool
	}{
		{"32 bytes", token.Keys{Current: long}, "i", "a", true},
		{"31 bytes (JWT-30)", token.Keys{Current: short}, "i", "a", false},
		{"no key", token.Keys{}, "i", "a", false},
		{"short previous key", token.Keys{Current: long, Previous: []hub.Secret{short}}, "i", "a", false},
		{"empty previous key", token.Keys{Current: long, Previous: []hub.Secret{{}}}, "i", "a", false},
		{"no issuer", token.Keys{Current: long}, "", "a", false},
		{"no audience", token.Keys{Current: long}, "i", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i, err := token.New(tt.keys, tt.issuer, tt.audience)
			if (err == nil) != tt.ok || (i != nil) != tt.ok {
				t.Errorf("New = %v, %v; want ok = %v", i, err, tt.ok)
			}
			if err != nil && strings.Contains(err.Error(), "kkkk") {
				t.Error("the error shows the key")
			}
		})
	}
}

func TestJWT31KeysRotate(t *testing.T) {
	t.Parallel()
	signedByOld := issue(t, newIssuer(t, oldKey), claimsOf(token.Access))
	rotated := newIssuer(t, key, oldKey)
	if _, err := rotated.Verify(token.Access, signedByOld, now); err != nil {
		t.Errorf("signed by the previous key: %v", err)
	}
	if issue(t, rotated, claimsOf(token.Access)) != issue(t, newIssuer(t, key), claimsOf(token.Access)) {
		t.Error("new tokens are not signed by the current key")
	}
	if _, err := newIssuer(t, key).Verify(token.Access, signedByOld, now); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("signed by a withdrawn key: %v", err)
	}
}

// The keys of an Issuer must not appear however one prints it by mistake through its settings.
func TestKeysDoNotPrint(t *testing.T) {
	t.Parallel()
	keys := token.Keys{Current: hub.NewSecret(key), Previous: []hub.Secret{hub.NewSecret(oldKey)}}
	if out := fmt.Sprintf("%v %+v %#v", keys, keys, keys); strings.Contains(out, "key of") || strings.Contains(out, "before") {
		t.Error("a key was printed")
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, appendix B.1
	if got := token.Hash(hub.NewSecret("abc")); got != want {
		t.Errorf("Hash = %s, want %s", got, want)
	}
}
