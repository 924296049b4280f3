package archive

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/a64core/hub"
)

// ageLine is what every file encrypted by age begins with.
const ageLine = "age-encryption.org/"

var (
	// ErrEncrypted says that an archive is encrypted and no key for it was given.
	ErrEncrypted = errors.New("the archive is encrypted: give its passphrase, or the identity that it was encrypted for")
	// ErrWrongKey says that an archive is encrypted for other keys than those given.
	ErrWrongKey = errors.New("the archive cannot be decrypted: the passphrase or identity is not the one that it was encrypted for")
)

// Locks are what an archive is encrypted for: any one of the keys that fit opens it. None leave it in the clear.
type Locks []age.Recipient

// Keys open archives. They open those in the clear as well.
type Keys []age.Identity

// ParseLocks reads public keys of age ("age1..."). The machine that makes backups needs no more, and cannot read them.
func ParseLocks(publicKeys []string) (Locks, error) {
	locks, err := age.ParseRecipients(strings.NewReader(strings.Join(publicKeys, "\n")))
	if err != nil {
		return nil, fmt.Errorf("read the recipients: %w", err)
	}
	return locks, nil
}

// ParseKeys reads secret keys as age-keygen writes them, one a line.
func ParseKeys(r io.Reader) (Keys, error) {
	keys, err := age.ParseIdentities(r)
	if err != nil {
		return nil, errors.New("read the identity: it holds no key of age (AGE-SECRET-KEY-1...) or something else besides") // the error may repeat it
	}
	return keys, nil
}

// PassphraseLock returns a lock that the passphrase opens. To try one takes about a second on purpose.
func PassphraseLock(passphrase hub.Secret) (Locks, error) {
	lock, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, fmt.Errorf("use the passphrase: %w", err)
	}
	return Locks{lock}, nil
}

// PassphraseKey returns the key for archives that were locked with the passphrase.
func PassphraseKey(passphrase hub.Secret) (Keys, error) {
	key, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, fmt.Errorf("use the passphrase: %w", err)
	}
	return Keys{key}, nil
}

// Lock returns a writer that encrypts what it hands on to w. It must be closed, which leaves w open.
func Lock(w io.Writer, locks Locks) (io.WriteCloser, error) {
	if len(locks) == 0 {
		return openWriter{w}, nil
	}
	locked, err := age.Encrypt(w, locks...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return locked, nil
}

// openWriter encrypts nothing.
type openWriter struct{ io.Writer }

func (openWriter) Close() error { return nil }

// Open begins to read an archive, encrypted or not. ErrDamaged, ErrNewerFormat, ErrEncrypted, ErrWrongKey.
func Open(r io.Reader, keys Keys) (*Reader, error) {
	buffered := bufio.NewReader(r)
	begin, err := buffered.Peek(len(ageLine))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	if string(begin) != ageLine {
		return NewReader(buffered)
	}
	if len(keys) == 0 {
		return nil, ErrEncrypted
	}
	opened, err := age.Decrypt(buffered, keys...)
	switch noMatch := new(age.NoIdentityMatchError); {
	case errors.As(err, &noMatch), errors.Is(err, age.ErrIncorrectIdentity):
		return nil, ErrWrongKey
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return NewReader(authenticated{opened})
}

// authenticated is what age has decrypted: any failure to do so is damage.
type authenticated struct{ io.Reader }

func (a authenticated) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}
