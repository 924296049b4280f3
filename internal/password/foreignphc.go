package password

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // PBKDF2 with it is what others have
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"math/bits"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// parseArgon2 reads "$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>". Argon2d, and the version 1.0 that has no "v", are
// refused: Go's library computes neither.
func parseArgon2(parts []string) (comparison, error) {
	if len(parts) != 6 || parts[2] != "v=19" {
		return nil, ErrHashUnknown
	}
	key := argon2.IDKey
	switch parts[1] {
	case "argon2id":
	case "argon2i":
		key = argon2.Key
	default:
		return nil, ErrHashUnknown
	}
	p, err := parameters(parts[3], "m", "t", "p")
	if err != nil {
		return nil, err
	}
	salt, digest, err := saltAndDigest(parts[4], parts[5])
	if err != nil {
		return nil, err
	}
	memory, passes, lanes := p["m"], p["t"], p["p"]
	if lanes > maxArgon2Lanes || memory > maxForeignMemory>>10 || memory*passes > maxArgon2Passes {
		return nil, ErrHashCost
	}
	return against(digest, func(text string) ([]byte, error) {
		return key([]byte(text), salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(digest))), nil
	}), nil
}

// parseScrypt reads "$scrypt$ln=16,r=8,p=1$<salt>$<digest>". Where Ory Kratos writes N itself as "ln", that is what is
// meant: no hash has 2 to the power of such a number.
func parseScrypt(parts []string) (comparison, error) {
	if len(parts) != 5 {
		return nil, ErrHashUnknown
	}
	p, err := parameters(parts[2], "ln", "r", "p")
	if err != nil {
		return nil, err
	}
	salt, digest, err := saltAndDigest(parts[3], parts[4])
	if err != nil {
		return nil, err
	}
	n := p["ln"]
	if n < 64 {
		n = 1 << min(n, 62)
	}
	return scryptComparison(n, p["r"], p["p"], salt, digest)
}

func scryptComparison(n, r, p int, salt, digest []byte) (comparison, error) {
	if err := checkScrypt(n, r, p); err != nil {
		return nil, err
	}
	return against(digest, func(text string) ([]byte, error) { return scrypt.Key([]byte(text), salt, n, r, p, len(digest)) }), nil
}

// checkScrypt looks at the parameters: N is a power of two above one, and 128·N·r bytes are the memory.
func checkScrypt(n, r, p int) error {
	switch {
	case n < 2 || bits.OnesCount(uint(n)) != 1:
		return ErrHashUnknown
	case n > maxScryptWork || r > maxScryptWork || p > maxScryptWork, n*r > maxForeignMemory/128, n*r*p > maxScryptWork:
		return ErrHashCost
	}
	return nil
}

// parsePBKDF2 reads "$pbkdf2-sha256$<iterations>$<salt>$<digest>", as passlib writes it, and the same with "i=<iterations>"
// or "i=<iterations>,l=<bytes>", as Ory Kratos and the PHC do. A plain "$pbkdf2$" is passlib's for SHA-1.
func parsePBKDF2(parts []string) (comparison, error) {
	if len(parts) != 5 {
		return nil, ErrHashUnknown
	}
	salt, digest, err := saltAndDigest(parts[3], parts[4])
	if err != nil {
		return nil, err
	}
	rounds, length, hasLength := strings.Cut(strings.TrimPrefix(parts[2], "i="), ",")
	iterations, err := number(rounds)
	if err != nil {
		return nil, err
	}
	if hasLength {
		if p, err := parameters(length, "l"); err != nil || p["l"] != len(digest) {
			return nil, ErrHashUnknown
		}
	}
	name := "sha1"
	if parts[1] != "pbkdf2" {
		name = strings.TrimPrefix(parts[1], "pbkdf2-")
	}
	return pbkdf2Comparison(name, iterations, salt, digest)
}

func pbkdf2Comparison(name string, iterations int, salt, digest []byte) (comparison, error) {
	var sum func() hash.Hash
	switch name {
	case "sha1":
		sum = sha1.New
	case "sha256":
		sum = sha256.New
	case "sha512":
		sum = sha512.New
	default:
		return nil, ErrHashUnknown
	}
	blocks := (len(digest) + sum().Size() - 1) / sum().Size()
	if iterations*blocks > maxPBKDF2Work {
		return nil, ErrHashCost
	}
	return against(digest, func(text string) ([]byte, error) { return pbkdf2.Key(sum, text, salt, iterations, len(digest)) }), nil
}
