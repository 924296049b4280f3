package field

import (
	"errors"
	"unicode"
	"unicode/utf8"
)

// maxName is the greatest length of a first or last name in code points.
const maxName = 100

var (
	errName          = errors.New("must have 1 to 100 characters, and not only spaces")
	errNameInvisible = errors.New("must not contain control or invisible formatting characters")
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	brailleBlank       = '\u2800'
)

// Name returns a first or last name as it was sent, byte by byte: people know how they are written.
//
// A name shows at least one character and hides none. Controls, line breaks, bidi overrides and invisible characters
// would let it pose as something else in a mail or a list. Variation selectors and the two joiners are left where they
// do their work, that is behind something visible, and for joiners also before it: Persian, many Indic scripts and
// emoji are misspelt without.
func Name(raw string) (string, error) {
	if utf8.RuneCountInString(raw) > maxName || len(raw) == 0 {
		return "", errName
	}
	seen := false     // something visible
	var previous rune // 0 at the beginning
	joining := false  // previous is a joiner
	for _, r := range raw {
		joiner := r == zeroWidthJoiner || r == zeroWidthNonJoiner
		selector := unicode.Is(unicode.Variation_Selector, r)
		behindVisible := previous != 0 && !joining && !unicode.IsSpace(previous)
		switch {
		case joiner && behindVisible, selector && behindVisible:
		case joining && unicode.IsSpace(r), isInvisible(r):
			return "", errNameInvisible
		}
		seen = seen || r != brailleBlank && unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
		previous, joining = r, joiner
	}
	if joining {
		return "", errNameInvisible
	}
	if !seen {
		return "", errName
	}
	return raw, nil
}
