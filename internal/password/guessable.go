package password

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wellKnownText are the passwords that are tried first, one a line; well_known.NOTICE says how the file was made. It is
// not compressed, so that reading it cannot fail.
//
//go:embed well_known.txt
var wellKnownText string

func loadWellKnown() map[string]struct{} {
	words := make(map[string]struct{}, strings.Count(wellKnownText, "\n"))
	for word := range strings.Lines(wellKnownText) {
		words[fold(strings.TrimSuffix(word, "\n"))] = struct{}{}
	}
	return words
}

// fold undoes what people do to a word to make it look like a password: it drops case, and maps every character that may
// stand for a letter to that letter. "1" and "!" stand for i and for l, and so those become one. A character stays one
// character. Folded texts are only ever compared with folded texts.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		switch r := unicode.ToLower(r); r {
		case '@', '4':
			return 'a'
		case '0':
			return 'o'
		case '1', '!', '|', 'l':
			return 'i'
		case '3':
			return 'e'
		case '5', '$':
			return 's'
		case '7', '+':
			return 't'
		default:
			return r
		}
	}, text)
}

// isWellKnown reports whether text is a well-known password, or one that makes up most of it with only digits and
// special characters around it.
func (p *Policy) isWellKnown(text string) bool {
	before, after := padding(text)
	folded := []rune(fold(text))
	for start := range before + 1 {
		for end := len(folded); end >= len(folded)-after && 2*(end-start) > len(folded); end-- {
			if _, found := p.wellKnown()[string(folded[start:end])]; found {
				return true
			}
		}
	}
	return false
}

// padding counts the code points in front of the first letter and behind the last one.
func padding(text string) (before, after int) {
	core := strings.TrimLeftFunc(text, isNoLetter)
	before = utf8.RuneCountInString(text) - utf8.RuneCountInString(core)
	after = utf8.RuneCountInString(core) - utf8.RuneCountInString(strings.TrimRightFunc(core, isNoLetter))
	return before, after
}

func isNoLetter(r rune) bool { return !unicode.IsLetter(r) }

// isAbout reports whether one of the words, or the local part of one that is an e-mail address, makes up most of text;
// or is all there is between its digits and special characters, and these are too few to be a password of their own.
// Whatever joins the parts of a word, such as the dot in jane.doe, does not count.
func isAbout(text string, words []string) bool {
	length := utf8.RuneCountInString(text)
	all, core := squeeze(text), squeeze(strings.TrimFunc(text, isNoLetter))
	for _, word := range words {
		local, _, _ := strings.Cut(word, "@")
		for _, w := range []string{squeeze(word), squeeze(local)} {
			n := utf8.RuneCountInString(w)
			if 2*n > length && strings.Contains(all, w) {
				return true
			}
			if w != "" && w == core && length-n < minLength {
				return true
			}
		}
	}
	return false
}

// squeeze folds text and keeps only its letters and digits.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, fold(text))
}
