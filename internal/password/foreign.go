package password

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/a64core/hub"
)

// Why Adopt refuses a hash. The texts are safe to show.
var (
	ErrHashUnknown = errors.New("must be a hash by bcrypt, argon2id, argon2i, scrypt or pbkdf2, in one of the forms that the documentation names")
	ErrHashCost    = errors.New("is a hash that costs more memory or time to compare with than a login may")
)

// maxHashBytes is how long a hash may be: MySQL's column of the original system.
const maxHashBytes = 255

// What one comparison may cost at most, which whoever logs in decides to spend: it takes some seconds at the very most, as
// bcrypt does at maxCost, and holds this memory for each worker of the gate.
const (
	maxForeignMemory = 256 << 20 // bytes
	maxArgon2Passes  = 1 << 20   // KiB of memory times passes over it
	maxArgon2Lanes   = 64
	maxScryptWork    = 1 << 22   // N·r·p; scrypt computes 2·N·r·p blocks of 64 bytes each way
	maxPBKDF2Work    = 3_000_000 // iterations times blocks of output
)

// What a hash must have: fewer bytes would let other passwords match by chance, and none at all would let every one.
const (
	minDigest = 16
	maxDigest = 128
)

// comparison reports whether a text is the one that a hash was made of, in a time that does not depend on the text.
type comparison func(text string) bool

// Adopt returns a hash that another system made in the form in which it is kept. ErrHashUnknown, or ErrHashCost if
// comparing with it would cost more than any login may. [Hasher.Match] takes what Adopt takes, and nothing else.
//
// It knows
//
//   - what we make ourselves, and bcrypt of the versions 2a, 2b and 2y with a cost of 4 to 16;
//   - argon2id and argon2i of version 1.3, scrypt and pbkdf2 with SHA-1, SHA-256 or SHA-512 as PHC strings, with the
//     variations of passlib and Ory Kratos;
//   - Django's argon2, bcrypt, bcrypt_sha256, scrypt, pbkdf2_sha1 and pbkdf2_sha256;
//   - Firebase's scrypt, as Supabase Auth writes it ($fbscrypt$).
func Adopt(hash hub.Secret) (hub.Secret, error) {
	text := hash.Reveal()
	if len(text) > maxHashBytes {
		return hub.Secret{}, ErrHashUnknown
	}
	// Django writes the name of the class before what the library made.
	for _, class := range []string{"bcrypt$$2", "argon2$argon2"} {
		if strings.HasPrefix(text, class) {
			text = text[strings.IndexByte(text, '$'):]
			text = strings.Replace(text, "$$2", "$2", 1)
		}
	}
	if cost, ok := bcryptCost(text); ok && cost > maxCost {
		return hub.Secret{}, ErrHashCost
	}
	if _, ok := parseStored(text); ok {
		return hub.NewSecret(text), nil
	}
	if _, err := parseForeign(text); err != nil {
		return hub.Secret{}, err
	}
	return hub.NewSecret(text), nil
}

// parseForeign takes apart a hash that only other systems make.
func parseForeign(text string) (comparison, error) {
	for _, scheme := range []struct {
		prefix string
		parse  func(parts []string) (comparison, error)
	}{
		{"$argon2", parseArgon2},
		{"$scrypt$", parseScrypt},
		{"$pbkdf2", parsePBKDF2},
		{"$fbscrypt$", parseFirebase},
		{"scrypt$", parseDjangoScrypt},
		{"pbkdf2_sha", parseDjangoPBKDF2},
		{"bcrypt_sha256$$2", parseDjangoBcrypt},
	} {
		if strings.HasPrefix(text, scheme.prefix) {
			return scheme.parse(strings.Split(text, "$"))
		}
	}
	return nil, ErrHashUnknown
}

// against returns the comparison of what derive makes of a text with digest.
func against(digest []byte, derive func(text string) ([]byte, error)) comparison {
	return func(text string) bool {
		made, err := derive(text)
		return err == nil && subtle.ConstantTimeCompare(made, digest) == 1
	}
}

// base64Bytes decodes base64 with or without padding, and passlib's, which has a dot instead of the plus.
func base64Bytes(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, ErrHashUnknown
	}
	text = strings.ReplaceAll(strings.TrimRight(text, "="), ".", "+")
	decoded, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(decoded) == 0 {
		return nil, ErrHashUnknown
	}
	return decoded, nil
}

// digestBytes decodes what a comparison must come to.
func digestBytes(text string) ([]byte, error) {
	digest, err := base64Bytes(text)
	if err != nil || len(digest) < minDigest || len(digest) > maxDigest {
		return nil, ErrHashUnknown
	}
	return digest, nil
}

// saltAndDigest decodes both.
func saltAndDigest(salt64, digest64 string) (salt, digest []byte, err error) {
	if salt, err = base64Bytes(salt64); err != nil {
		return nil, nil, err
	}
	digest, err = digestBytes(digest64)
	return salt, digest, err
}

// parameters reads "m=65536,t=3,p=4". Each of the names must be there, in any order, and nothing else.
func parameters(text string, names ...string) (map[string]int, error) {
	values := make(map[string]int, len(names))
	for part := range strings.SplitSeq(text, ",") {
		name, digits, _ := strings.Cut(part, "=")
		value, err := number(digits)
		if _, again := values[name]; again || err != nil {
			return nil, ErrHashUnknown
		}
		values[name] = value
	}
	for _, name := range names {
		if _, ok := values[name]; !ok {
			return nil, ErrHashUnknown
		}
	}
	if len(values) != len(names) {
		return nil, ErrHashUnknown
	}
	return values, nil
}

// number reads a positive number that fits 31 bits, so that products of two do not overflow.
func number(digits string) (int, error) {
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n == 0 {
		return 0, ErrHashUnknown
	}
	return int(n), nil
}
