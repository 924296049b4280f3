package password

import (
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/a64core/hub"
)

// maxBytes is how long a password may be as it was sent, in bytes: 128 code points of four bytes each. Looked at before
// anything costly is done.
const maxBytes = 512

// PolicyError says why a password cannot be chosen.
type PolicyError struct {
	Message string // one sentence, safe to show: it holds nothing of the password
}

// Error returns the sentence.
func (e *PolicyError) Error() string { return e.Message }

// Prepare returns the OpaqueString form (RFC 8265, section 4.2) of a password as it was sent, or a *PolicyError if it
// has none: it is longer than 512 bytes, not UTF-8, or holds what cannot be typed reliably, such as control characters.
func Prepare(password hub.Secret) (hub.Secret, error) {
	text := password.Reveal()
	switch {
	case len(text) > maxBytes:
		return hub.Secret{}, tooLong()
	case text == "": // OpaqueString refuses it, for a reason that needs other words
		return hub.Secret{}, tooShort()
	case !utf8.ValidString(text): // OpaqueString would make all invalid bytes one character
		return hub.Secret{}, notText()
	}
	form, err := precis.OpaqueString.String(text)
	if err != nil {
		return hub.Secret{}, notText()
	}
	return hub.NewSecret(form), nil
}

// forms returns the texts that a password as it was sent may have been hashed as: its prepared form, and what was sent
// if that differs, since the original system hashed what it got. How many there are depends on the password alone, and
// not on the account.
func forms(password hub.Secret) []string {
	raw := password.Reveal()
	prepared, err := Prepare(password)
	if err != nil || prepared.Reveal() == raw {
		return []string{raw}
	}
	return []string{prepared.Reveal(), raw}
}
