package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/a64core/hub"
)

const (
	// minKeyBytes is the least length of a key for HS256 (RFC 7518, section 3.2).
	minKeyBytes = 32
	// maxKeyBytes only keeps a wrong file from being read whole.
	maxKeyBytes = 4096

	secretKeyFile = "secret_key"
)

func parseSecretKey(text string) (hub.Secret, error) {
	switch {
	case !isTidy(text):
		return hub.Secret{}, errUntidy
	case len(text) < minKeyBytes || len(text) > maxKeyBytes:
		return hub.Secret{}, fmt.Errorf("must have from %d to %d bytes", minKeyBytes, maxKeyBytes)
	case strings.Contains(text, ","):
		return hub.Secret{}, errors.New("must not hold a comma, which separates keys in SECRET_KEY_PREVIOUS")
	}
	return hub.NewSecret(text), nil
}

func secretKey(field *hub.Secret) kind {
	k := parsed(field, parseSecretKey)
	k.secret = true
	return k
}

func secretKeys(field *[]hub.Secret) kind {
	k := list(field, parseSecretKey)
	k.secret = true
	return k
}

// EnsureSecretKey gives a development hub without a SECRET_KEY the one kept in DATA_DIR, and makes it on first use. Of
// processes that do so at the same moment all get the same key. It reports whether it made one.
func EnsureSecretKey(c *Config) (created bool, err error) {
	if !c.SecretKey.IsZero() {
		return false, nil
	}
	if c.Environment != Development {
		return false, errors.New("SECRET_KEY is needed outside development")
	}
	path := filepath.Join(c.DataDir, secretKeyFile)
	key, err := readSecretKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if created, err = createSecretKey(c.DataDir, path); err == nil {
			key, err = readSecretKey(path)
		}
	}
	if err != nil {
		return false, fmt.Errorf("secret key of development: %w", err)
	}
	c.SecretKey = key
	for i := range c.values {
		if v := &c.values[i]; v.Name == "SECRET_KEY" {
			v.Value, v.Source = hidden, path
		}
	}
	return created, nil
}

func readSecretKey(path string) (key hub.Secret, err error) {
	f, err := os.Open(path)
	if err != nil {
		return hub.Secret{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return hub.Secret{}, err
	}
	// Windows has other means than mode bits.
	if !info.Mode().IsRegular() || (runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0) {
		return hub.Secret{}, fmt.Errorf("%s: must be a regular file that only its owner may read (mode 0600)", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+2))
	if err != nil {
		return hub.Secret{}, err
	}
	key, err = parseSecretKey(strings.TrimRight(string(text), "\r\n"))
	if err != nil {
		return hub.Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// createSecretKey writes a new key under another name and links it to path, so that nobody ever reads half a key and
// only the first of several processes succeeds.
func createSecretKey(dir, path string) (created bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(dir, secretKeyFile+".*") // with mode 0600
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	var key [48]byte
	_, _ = rand.Read(key[:]) // never fails: crypto/rand ends the program rather than return too little
	_, err = fmt.Fprintln(f, base64.RawURLEncoding.EncodeToString(key[:]))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
