package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"sync"

	"github.com/a64core/hub"
)

// key makes and keeps the MACs' states: to set one up costs as much as the MAC of a token.
type key struct{ states sync.Pool }

// macState is a keyed hash with room for what goes in and comes out.
type macState struct {
	hash hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

func newKey(secret []byte) *key {
	return &key{sync.Pool{New: func() any { return &macState{hash: hmac.New(sha256.New, secret)} }}}
}

// encodedSize is the length of a token's third segment.
const encodedSize = (sha256.Size*8 + 5) / 6

// sign returns the third segment of a token for the first two: HS256 (RFC 7518, section 3.2).
func (k *key) sign(signed string) (segment [encodedSize]byte) {
	s := k.states.Get().(*macState)
	defer k.states.Put(s)
	s.hash.Reset()
	s.text = append(s.text[:0], signed...)
	_, _ = s.hash.Write(s.text) // a hash takes everything
	base64.RawURLEncoding.Encode(segment[:], s.hash.Sum(s.sum[:0]))
	return segment
}

// seal returns the token whose first two segments are given.
func (k *key) seal(signed string) hub.Secret {
	mac := k.sign(signed)
	return hub.NewSecret(signed + "." + string(mac[:]))
}
