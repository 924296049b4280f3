package hub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// NewID returns a new lower-case UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, so that ids
// made later sort later, and 74 random bits. It is no secret and no proof of anything: tokens carry a MAC besides.
func NewID() string {
	var id [16]byte
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand ends the program rather than return too little
	ms := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint16(id[0:], uint16(ms>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(ms))
	return formatID(id, 7)
}

// DeriveID returns the UUID of version 8 (RFC 9562, section 5.8) that stands for a name within a namespace: the same for
// the same two, and another for any others.
func DeriveID(namespace, name string) string {
	sum := sha256.Sum256([]byte(namespace + "\x00" + name))
	return formatID([16]byte(sum[:]), 8)
}

// formatID sets version and variant and returns the text.
func formatID(id [16]byte, version byte) string {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80

	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	text[8] = '-'
	hex.Encode(text[9:13], id[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], id[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], id[8:10])
	text[23] = '-'
	hex.Encode(text[24:36], id[10:16])
	return string(text[:])
}

// IsID reports whether text is a UUID in the one form we accept: lower-case hexadecimal, hyphens in their places.
func IsID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		default:
			return false
		}
	}
	return true
}
