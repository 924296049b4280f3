package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/a64core/hub"
)

// minKeySize is the least a key may have, in bytes: as much as the hash gives (RFC 7518, section 3.2).
const minKeySize = 32

// Keys are the keys of the MAC, each of at least 32 bytes.
type Keys struct {
	Current  hub.Secret
	Previous []hub.Secret // only verify, so that a key can be replaced without ending every session
}

// Issuer makes and checks tokens. It is safe for concurrent use.
type Issuer struct {
	keys     []*key // the first one signs
	issuer   string
	audience string
}

// New returns an Issuer that writes and requires the given `iss` and `aud`. It refuses keys that are too short and names
// that are empty.
func New(keys Keys, issuer, audience string) (*Issuer, error) {
	if issuer == "" || audience == "" {
		return nil, errors.New("token issuer: issuer and audience must not be empty")
	}
	i := &Issuer{issuer: issuer, audience: audience}
	for _, key := range append([]hub.Secret{keys.Current}, keys.Previous...) {
		k := []byte(key.Reveal())
		if len(k) < minKeySize {
			return nil, fmt.Errorf("token issuer: a key has %d bytes, needs %d", len(k), minKeySize)
		}
		i.keys = append(i.keys, newKey(k))
	}
	return i, nil
}

// Issue returns the token for c, signed with the current key. The same claims and key give the same token, byte for
// byte, so that uniqueness comes from c.ID. It fails if c lacks a claim of its kind or has one of another kind.
func (i *Issuer) Issue(c Claims) (hub.Secret, error) {
	signed, err := i.signedPart(c)
	if err != nil {
		return hub.Secret{}, fmt.Errorf("issue token: %w", err)
	}
	return i.keys[0].seal(signed), nil
}

// Reissue makes the token for c whose [Hash] is hash, with whichever key signed it. It reports false if c gives that
// token with no key there is.
func (i *Issuer) Reissue(c Claims, hash string) (hub.Secret, bool) {
	signed, err := i.signedPart(c)
	if err != nil {
		return hub.Secret{}, false
	}
	for _, key := range i.keys {
		t := key.seal(signed)
		if subtle.ConstantTimeCompare([]byte(Hash(t)), []byte(hash)) == 1 {
			return t, true
		}
	}
	return hub.Secret{}, false
}

// Hash returns the hexadecimal SHA-256 of a token, under which databases keep it.
func Hash(t hub.Secret) string {
	sum := sha256.Sum256([]byte(t.Reveal()))
	return hex.EncodeToString(sum[:])
}

// header is the first segment of every token we make: {"alg":"HS256","typ":"JWT"}.
const header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

// signedPart returns the first two segments of the token for c.
func (i *Issuer) signedPart(c Claims) (string, error) {
	p := i.payload(c)
	if !p.isComplete() {
		return "", errors.New("claims do not fit the kind of token")
	}
	text, err := json.Marshal(&p)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	return header + "." + base64.RawURLEncoding.EncodeToString(text), nil
}
