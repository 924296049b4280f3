package password

import (
	"fmt"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/a64core/hub"
)

// How long a password must and may be, in code points of its prepared form.
const (
	minLength = 8
	maxLength = 128
)

// Policy judges new passwords. It is safe for concurrent use.
type Policy struct {
	wellKnown func() map[string]struct{} // folded; read when the first password is chosen
	products  []string
}

// NewPolicy returns the policy of the hub. products are names of the product besides its own that no password may be.
func NewPolicy(products ...string) *Policy {
	return &Policy{
		wellKnown: sync.OnceValue(loadWellKnown),
		products:  append([]string{"A64 Core", "A64 Core Platform", "A64 Core Platform API Hub"}, products...),
	}
}

// Check returns a *PolicyError unless the password, given as it was sent, may be chosen (OWASP ASVS 6.2.1, 6.2.4, 6.2.9,
// 6.2.11). It must
//
//   - have 8 to 128 code points, and at most 512 bytes;
//   - have an upper-case letter, a lower-case letter, a digit, and something that is none of the three;
//   - not be well known, also in other case, with letters written as digits, or between digits and special characters;
//   - not be, in the same sense, the name of the product or one of the given context: the account's e-mail address, of
//     which the local part counts too, and names.
//
// To hold such a word is no fault as long as there is enough besides it.
func (p *Policy) Check(password hub.Secret, context ...string) error {
	prepared, err := Prepare(password)
	if err != nil {
		return err
	}
	text := prepared.Reveal()
	switch n := utf8.RuneCountInString(text); {
	case n < minLength:
		return tooShort()
	case n > maxLength:
		return tooLong()
	case !isMixed(text):
		return &PolicyError{"The password needs an upper-case letter, a lower-case letter, a digit and a special character."}
	case p.isWellKnown(text):
		return &PolicyError{"The password is one of those that are tried first. Choose another."}
	case isAbout(text, context) || isAbout(text, p.products):
		return &PolicyError{"The password must not be the e-mail address, a name of yours or that of the product."}
	}
	return nil
}

func tooShort() error {
	return &PolicyError{fmt.Sprintf("The password needs at least %d characters.", minLength)}
}

func tooLong() error {
	return &PolicyError{fmt.Sprintf("The password may have at most %d characters (%d bytes).", maxLength, maxBytes)}
}

func notText() error {
	return &PolicyError{"The password holds a control character or another one that cannot be used in passwords."}
}

// isMixed reports whether text has characters of all four sorts. Whatever is printable and of no other sort is special:
// also a space, a letter of a script without case, or an emoji.
func isMixed(text string) bool {
	var upper, lower, digit, special bool
	for _, r := range text {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		default:
			special = true // Prepare let nothing through that is not printable
		}
	}
	return upper && lower && digit && special
}
