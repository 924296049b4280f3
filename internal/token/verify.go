package token

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// maxLength is how long a token may be, in bytes. It also bounds how deep its JSON can nest.
const maxLength = 8 << 10

// skew is how far `iat` and `nbf` may lie ahead of our clock.
const skew = 30 * time.Second

// Why a token is refused. Nothing says more than this: what exactly is wrong helps only forgers.
var (
	ErrInvalid = errors.New("token is not valid")
	// ErrExpired: the token is right in everything else.
	ErrExpired = errors.New("token has expired")
)

// Verify returns the claims of a token of the given kind at the time now, or ErrInvalid or ErrExpired.
//
// The parser of the JWT library is not used: it decodes the payload before it checks the MAC, takes `USERID` for
// `userId` and the last of two values, and knows nothing of `crit` (RFC 7515, section 4.1.11).
func (i *Issuer) Verify(kind Kind, raw string, now time.Time) (Claims, error) {
	if len(raw) > maxLength {
		return Claims{}, ErrInvalid
	}
	text, ok := i.open(raw)
	if !ok {
		return Claims{}, ErrInvalid
	}
	var p payload
	if err := json.Unmarshal(text, &p); err != nil {
		return Claims{}, ErrInvalid
	}
	latest := now.Add(skew).Unix()
	if p.Type != kind || !p.isComplete() ||
		p.Issuer != i.issuer || !slices.Contains(p.Audience, i.audience) ||
		p.IssuedAt > latest || p.NotBefore > latest {
		return Claims{}, ErrInvalid
	}
	c := p.claims()
	if !now.Before(c.ExpiresAt) {
		return Claims{}, ErrExpired
	}
	return c, nil
}

// open returns the payload of a token whose form, header and MAC are right.
func (i *Issuer) open(raw string) ([]byte, bool) {
	// Go's base64 decoder skips line breaks, even the strict one.
	if strings.IndexByte(raw, '\r') >= 0 || strings.IndexByte(raw, '\n') >= 0 || strings.Count(raw, ".") != 2 {
		return nil, false
	}
	end := strings.LastIndexByte(raw, '.')
	signed, mac := raw[:end], raw[end+1:]
	head, body, _ := strings.Cut(signed, ".")
	if head != header && !isPlainHeader(head) {
		return nil, false
	}
	if !i.isSigned(signed, mac) {
		return nil, false
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(body)
	return text, err == nil
}

// isPlainHeader reports whether a first segment that we did not write says the same as ours. Whatever else a header can
// hold (kid, jku, jwk, x5u, crit, zip, ...) asks for something that we do not do.
func isPlainHeader(segment string) bool {
	text, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return false
	}
	var h struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
	}
	h.Type = "JWT"
	err = json.Unmarshal(text, &h, json.RejectUnknownMembers(true))
	return err == nil && h.Algorithm == "HS256" && h.Type == "JWT"
}

// isSigned compares encoded MACs, so that only the one canonical encoding of the right MAC passes.
func (i *Issuer) isSigned(signed, mac string) bool {
	for _, key := range i.keys {
		want := key.sign(signed)
		if subtle.ConstantTimeCompare(want[:], []byte(mac)) == 1 {
			return true
		}
	}
	return false
}
