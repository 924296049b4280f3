package password

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcryptBytes is how much of a password bcrypt looks at.
const bcryptBytes = 72

// maxCost is the highest cost made or accepted: 2^16 rounds take some four seconds, beyond which no request waits.
const maxCost = 16

// preHashed starts a stored hash of a password that bcrypt alone would not take in whole:
//
//	$a64$v=1$<salt><bcrypt string>
//
// with a salt of 16 bytes in unpadded base64url (22 characters), and in the bcrypt string, which begins with "$2a$", the
// hash of base64(HMAC-SHA-384(salt, password)): 64 characters, none of them NUL.
//
// The salt is the key of the HMAC so that each hash has a function of its own (OWASP Password Storage Cheat Sheet,
// "Pre-Hashing Passwords with bcrypt"). With a bare SHA-384 a thief of both our hashes and the plain digests of some
// other site could try those digests here without knowing the passwords ("shucking").
const preHashed = "$a64$v=1$"

const (
	saltBytes    = 16
	saltLength   = 22 // encoded
	bcryptLength = 60
)

// storedHash is a stored hash taken apart.
type storedHash struct {
	salt   []byte // of the pre-hash; nil: the password itself went into bcrypt
	bcrypt string
	cost   int
}

// parseStored takes apart a stored hash: one of ours, or one that bcrypt made anywhere.
func parseStored(text string) (storedHash, bool) {
	var s storedHash
	s.bcrypt = text
	if rest, ok := strings.CutPrefix(text, preHashed); ok {
		if len(rest) != saltLength+bcryptLength {
			return storedHash{}, false
		}
		salt, err := base64.RawURLEncoding.Strict().DecodeString(rest[:saltLength])
		if err != nil || len(salt) != saltBytes {
			return storedHash{}, false
		}
		s.salt, s.bcrypt = salt, rest[saltLength:]
	}
	cost, ok := bcryptCost(s.bcrypt)
	if !ok || cost > maxCost {
		return storedHash{}, false
	}
	s.cost = cost
	return s, true
}

// bcryptCost returns the cost of a well-formed bcrypt string of a version that we can compute. The library's own parser
// takes more: the faulty version 2x, for one, and trailing text.
func bcryptCost(text string) (int, bool) {
	if len(text) != bcryptLength {
		return 0, false
	}
	switch text[:4] {
	case "$2a$", "$2b$", "$2y$":
	default:
		return 0, false
	}
	tens, ones := text[4]-'0', text[5]-'0'
	if tens > 9 || ones > 9 || text[6] != '$' || strings.ContainsFunc(text[7:], isNotBcryptBase64) {
		return 0, false
	}
	cost := int(tens)*10 + int(ones)
	return cost, bcrypt.MinCost <= cost && cost <= bcrypt.MaxCost
}

func isNotBcryptBase64(r rune) bool {
	return r != '.' && r != '/' && (r < '0' || '9' < r) && (r < 'A' || 'Z' < r) && (r < 'a' || 'z' < r)
}

// dummyHash returns a well-formed hash that no password has.
func dummyHash(cost int) storedHash {
	return storedHash{bcrypt: fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat(".", 53)), cost: cost}
}

// fitsBcrypt reports whether bcrypt takes in every byte of text and nothing else. It repeats the text, ended by a NUL, to
// fill its 72 bytes, and so cannot tell "ab" from "ab\x00ab".
func fitsBcrypt(text string) bool {
	return len(text) <= bcryptBytes && strings.IndexByte(text, 0) < 0
}

func preHash(text string, salt []byte) []byte {
	mac := hmac.New(sha512.New384, salt)
	mac.Write([]byte(text))
	return base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))
}

// matches reports whether s is the hash of text. It takes the same time for all texts.
func (s storedHash) matches(text string) bool {
	var input []byte
	switch {
	case s.salt != nil:
		input = preHash(text, s.salt)
	case fitsBcrypt(text):
		input = []byte(text)
	default: // what bcrypt would see is not all of it, so it cannot have made s; the work is done nevertheless
		dummyHash(s.cost).matches("")
		return false
	}
	return bcrypt.CompareHashAndPassword([]byte(s.bcrypt), input) == nil
}
