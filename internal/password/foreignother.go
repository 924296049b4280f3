package password

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// parseDjangoPBKDF2 reads "pbkdf2_sha256$<iterations>$<salt>$<digest>", in which the salt is text and not encoded.
func parseDjangoPBKDF2(parts []string) (comparison, error) {
	if len(parts) != 4 || parts[2] == "" {
		return nil, ErrHashUnknown
	}
	digest, err := digestBytes(parts[3])
	if err != nil {
		return nil, err
	}
	iterations, err := number(parts[1])
	if err != nil {
		return nil, err
	}
	return pbkdf2Comparison(strings.TrimPrefix(parts[0], "pbkdf2_"), iterations, []byte(parts[2]), digest)
}

// parseDjangoScrypt reads "scrypt$<N>$<salt>$<r>$<p>$<digest>", in which the salt is text and not encoded.
func parseDjangoScrypt(parts []string) (comparison, error) {
	if len(parts) != 6 || parts[2] == "" {
		return nil, ErrHashUnknown
	}
	digest, err := digestBytes(parts[5])
	if err != nil {
		return nil, err
	}
	var values [3]int
	for i, at := range []int{1, 3, 4} {
		if values[i], err = number(parts[at]); err != nil {
			return nil, err
		}
	}
	return scryptComparison(values[0], values[1], values[2], []byte(parts[2]), digest)
}

// parseDjangoBcrypt reads "bcrypt_sha256$<bcrypt string>": bcrypt of the SHA-256 in hexadecimal.
func parseDjangoBcrypt(parts []string) (comparison, error) {
	text := strings.Join(parts[1:], "$")
	cost, ok := bcryptCost(text)
	switch {
	case !ok:
		return nil, ErrHashUnknown
	case cost > maxCost:
		return nil, ErrHashCost
	}
	return func(password string) bool {
		sum := sha256.Sum256([]byte(password))
		return bcrypt.CompareHashAndPassword([]byte(text), []byte(hex.EncodeToString(sum[:]))) == nil
	}, nil
}

// parseFirebase reads "$fbscrypt$v=1,n=14,r=8,p=1,ss=<separator>,sk=<signer key>$<salt>$<digest>", in which n is the
// logarithm of N: scrypt's output is the key by which AES in counter mode enciphers the project's signer key
// (github.com/firebase/scrypt), and what comes of it is the digest.
func parseFirebase(parts []string) (comparison, error) {
	if len(parts) != 5 {
		return nil, ErrHashUnknown
	}
	numbers, secrets, _ := strings.Cut(parts[2], ",ss=")
	p, err := parameters(numbers, "v", "n", "r", "p")
	if err != nil || p["v"] != 1 || p["n"] > 30 {
		return nil, ErrHashUnknown
	}
	separator64, key64, _ := strings.Cut(secrets, ",sk=")
	separator, signer, err := saltAndDigest(separator64, key64)
	if err != nil {
		return nil, err
	}
	salt, digest, err := saltAndDigest(parts[3], parts[4])
	if err != nil || len(digest) != len(signer) {
		return nil, ErrHashUnknown
	}
	n := 1 << p["n"]
	if err := checkScrypt(n, p["r"], p["p"]); err != nil {
		return nil, err
	}
	return against(digest, func(text string) ([]byte, error) {
		key, err := scrypt.Key([]byte(text), append(salt[:len(salt):len(salt)], separator...), n, p["r"], p["p"], 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		made := make([]byte, len(signer))
		iv := make([]byte, aes.BlockSize)
		cipher.NewCTR(block, iv).XORKeyStream(made, signer) //nolint:gosec // Firebase's vector is zero: a key serves once
		return made, nil
	}), nil
}
