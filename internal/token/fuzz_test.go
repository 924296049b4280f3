package token_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub/internal/token"
)

// Whatever is sent, Verify answers with one of its two errors, or the text is exactly what Issue makes of the claims.
func FuzzVerify(f *testing.F) {
	i := newIssuer(f, key)
	for _, kind := range kinds() {
		f.Add(string(kind), issue(f, i, claimsOf(kind)))
	}
	f.Add("access", "")
	f.Add("access", "a.b.c")
	f.Add("", mint(`{"alg":"none"}`, `{}`, ""))
	f.Fuzz(func(t *testing.T, kind, raw string) {
		c, err := i.Verify(token.Kind(kind), raw, now)
		if err != nil {
			if !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrExpired) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again := issue(t, i, c); again != raw {
			t.Error("accepted a text that we would not have written")
		}
	})
}

// With the key at hand the fuzzer reaches the payload: what passes there is whole and consistent.
func FuzzSignedPayload(f *testing.F) {
	i := newIssuer(f, key)
	f.Add(plainHeader, payloadWith(f, nil))
	f.Add(`{"alg":"HS256"}`, payloadWith(f, map[string]any{"type": "refresh", "tokenId": tokenID, "email": nil, "role": nil}))
	f.Add(plainHeader, payloadWith(f, map[string]any{"aud": []any{"x", "a64core"}, "nbf": 1}))
	f.Add(`{"alg":"HS256","kid":"x"}`, `{"exp":1e9,"type":["access"]}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		for _, kind := range kinds() {
			c, err := i.Verify(kind, mint(header, payload, key), now)
			if err != nil {
				continue
			}
			again, err := i.Verify(kind, issue(t, i, c), now)
			if err != nil {
				t.Fatalf("what was accepted cannot be issued and accepted again: %v", err)
			}
			if diff := cmp.Diff(c, again); diff != "" {
				t.Errorf("claims (-first +second):\n%s", diff)
			}
		}
	})
}
