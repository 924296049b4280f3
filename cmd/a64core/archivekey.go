package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/archive"
)

// maxKeyFile is far above what a passphrase or a list of keys takes.
const maxKeyFile = 64 << 10

// passphraseFlag names the file of a passphrase.
type passphraseFlag struct {
	PassphraseFile string `type:"existingfile" placeholder:"FILE" help:"File with the passphrase of the archive. Left out: BACKUP_PASSPHRASE."`
}

// passphrase reads the passphrase, or returns the one of the settings. Zero: there is none.
func (f passphraseFlag) passphrase(setting hub.Secret) (hub.Secret, error) {
	if f.PassphraseFile == "" {
		return setting, nil
	}
	text, err := readKeyFile(f.PassphraseFile)
	if err != nil {
		return hub.Secret{}, err
	}
	passphrase := hub.NewSecret(strings.TrimRight(text, "\r\n"))
	if passphrase.IsZero() {
		return passphrase, errors.New("the file with the passphrase is empty")
	}
	return passphrase, nil
}

// unlockFlags give the keys of an archive.
type unlockFlags struct {
	Identity []string `type:"existingfile" placeholder:"FILE" help:"File with secret keys of age that open the archive; may be given more than once."`
	passphraseFlag
}

// Validate implements the command line's check of the flags.
func (f unlockFlags) Validate() error {
	if len(f.Identity) > 0 && f.PassphraseFile != "" {
		return errors.New("--identity and --passphrase-file do not go together")
	}
	return nil
}

// keys returns what opens the archive, if it is encrypted.
func (f unlockFlags) keys(p *program) (keys archive.Keys, err error) {
	for _, path := range f.Identity {
		text, err := readKeyFile(path)
		if err != nil {
			return nil, err
		}
		some, err := archive.ParseKeys(strings.NewReader(text))
		if err != nil {
			return nil, err
		}
		keys = append(keys, some...)
	}
	if len(keys) > 0 {
		return keys, nil
	}
	c, err := p.settings()
	if err != nil {
		return nil, err
	}
	passphrase, err := f.passphrase(c.BackupPassphrase)
	if err != nil || passphrase.IsZero() {
		return nil, err
	}
	return archive.PassphraseKey(passphrase)
}

func readKeyFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open the key: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	return string(text), nil
}
