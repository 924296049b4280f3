package spent

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/a64core/hub"
)

// What the bytes of a text are: the text itself, or what it is the lower-case hexadecimal form or the UUID of.
const (
	plain = iota
	hexadecimal
	uuid
	kinds
)

// Pack returns the tokens as bytes: none, but not nil, if there are none. Of times it keeps the milliseconds, and of those how many lie
// between: hardly any where a token was issued as the one before was spent.
func Pack(tokens []hub.SpentToken) []byte {
	const usual = 64 // bytes a token
	b := make([]byte, 0, usual*len(tokens))
	var last int64
	for i := range tokens {
		t := &tokens[i]
		b = appendText(appendText(b, t.ID), t.Hash)
		issued, spent, expires := t.IssuedAt.UnixMilli(), t.SpentAt.UnixMilli(), t.ExpiresAt.UnixMilli()
		b = binary.AppendVarint(b, issued-last)
		b = binary.AppendVarint(b, spent-issued)
		b = binary.AppendVarint(b, expires-issued)
		last = spent
	}
	return b
}

// appendText appends how many bytes there are and what they are, as one number, and then the bytes.
func appendText(b []byte, text string) []byte {
	digits, kind := text, uint64(hexadecimal)
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		digits, kind = text[:8]+text[9:13]+text[14:18]+text[19:23]+text[24:], uuid
	}
	packed, err := hex.AppendDecode(binary.AppendUvarint(b, uint64(len(digits)/2)*kinds+kind), []byte(digits))
	if err != nil || strings.ContainsAny(digits, "ABCDEF") { // which would come back in lower case
		return append(binary.AppendUvarint(b, uint64(len(text))*kinds+plain), text...)
	}
	return packed
}

// Unpack returns the tokens that Pack was given. Bytes that it cannot have returned are an error.
func Unpack(b []byte) ([]hub.SpentToken, error) {
	var (
		tokens []hub.SpentToken
		last   int64
	)
	r := reader{rest: b}
	for len(r.rest) > 0 {
		t := hub.SpentToken{RefreshToken: hub.RefreshToken{ID: r.text(), Hash: r.text()}}
		issued := last + r.varint()
		spent, expires := issued+r.varint(), issued+r.varint()
		t.IssuedAt, t.SpentAt, t.ExpiresAt = time.UnixMilli(issued).UTC(), time.UnixMilli(spent).UTC(), time.UnixMilli(expires).UTC()
		tokens, last = append(tokens, t), spent
	}
	if r.malformed {
		return nil, errors.New("malformed spent tokens")
	}
	return tokens, nil
}

// reader takes values from the front of rest. Once they are malformed, there is nothing more, and all are zero.
type reader struct {
	rest      []byte
	malformed bool
}

func (r *reader) fail() { r.rest, r.malformed = nil, true }

// skip goes on behind a number of so many bytes, of which there are none if it is malformed.
func (r *reader) skip(size int) {
	if size <= 0 {
		r.fail()
		return
	}
	r.rest = r.rest[size:]
}

func (r *reader) varint() int64 {
	v, size := binary.Varint(r.rest)
	r.skip(size)
	return v
}

func (r *reader) text() string {
	head, size := binary.Uvarint(r.rest)
	r.skip(size)
	length := head / kinds
	if length > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	bytes := r.rest[:length]
	r.rest = r.rest[length:]
	digits := hex.EncodeToString
	switch {
	case head%kinds == plain:
		return string(bytes)
	case head%kinds == hexadecimal:
		return digits(bytes)
	case len(bytes) == 16:
		return digits(bytes[:4]) + "-" + digits(bytes[4:6]) + "-" + digits(bytes[6:8]) + "-" + digits(bytes[8:10]) + "-" + digits(bytes[10:])
	default:
		r.fail()
		return ""
	}
}
