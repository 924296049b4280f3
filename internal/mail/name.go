package mail

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxGreetedName is how many code points of a name a mail repeats: enough for a name, too few for a letter.
const maxGreetedName = 50

// linkShape matches what mail programs turn into a link without being told: a scheme, "www.", or a domain. The dots of
// other scripts count as dots (UTS #46), and any text of two letters or digits as a top-level domain.
var linkShape = regexp.MustCompile(`(?i)://|www[.。]|[\pL\pM\pN][.。][\pL\pM\pN]{2}|[0-9][.。][0-9]`)

// greetedName returns the name by which a mail greets, or "" if it must do without. Anybody can register somebody else's
// address under a name such as "Visit https://evil.io". Escaping keeps such a name from being markup, but mail programs
// make links of plain text too, and every way of breaking a link up is undone by one of them. So a name that looks like
// a link, or could break or reorder lines, is left out whole.
func greetedName(name string) string {
	name = strings.TrimSpace(name)
	if strings.ContainsFunc(name, isLayout) || linkShape.MatchString(norm.NFKC.String(strings.Map(dropJoiner, name))) {
		return ""
	}
	if runes := []rune(name); len(runes) > maxGreetedName {
		return string(runes[:maxGreetedName]) + "…"
	}
	return name
}

// isLayout reports whether r has no picture of its own: controls, line separators, direction marks, damaged UTF-8. Of the
// invisible ones only the joiners, which some scripts and emoji need, are part of names.
func isLayout(r rune) bool {
	return r == unicode.ReplacementChar || (!unicode.IsGraphic(r) && !isJoiner(r))
}

func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

func dropJoiner(r rune) rune {
	if isJoiner(r) {
		return -1
	}
	return r
}
