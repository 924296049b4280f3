package field

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits of an address in octets: RFC 5321 section 4.5.3.1, where the path of 256 octets includes the angle brackets.
const (
	maxEmail     = 254
	maxLocalPart = 64
	maxLabel     = 63 // RFC 1035 section 2.3.4

	// maxRawEmail bounds the work on what is sent: an internationalised domain may shrink, but at most to a quarter.
	maxRawEmail = 4 * maxEmail
)

var errEmail = errors.New("must be an e-mail address such as name@example.org")

// Email returns the canonical form of an address: without ASCII space around it, in lower case, the domain as A-labels
// (RFC 5890). Tags and dots of the local part are significant.
//
// It accepts what a mailbox on the public net can have: a dot-atom as local part and a domain name of at least two
// labels. Quoted local parts, comments, display names, address literals and non-ASCII local parts are refused, and so is
// the syntax of encoded words (RFC 2047), that some mail software decodes inside addresses.
func Email(raw string) (string, error) {
	raw = strings.Trim(raw, " \t")
	local, domain, found := strings.Cut(raw, "@")
	if len(raw) > maxRawEmail || !found || !isLocalPart(local) {
		return "", errEmail
	}
	domain, ok := canonicalDomain(domain)
	if !ok || len(local)+len("@")+len(domain) > maxEmail {
		return "", errEmail
	}
	return strings.ToLower(local) + "@" + domain, nil
}

// isLocalPart reports whether s is a dot-atom (RFC 5321 section 4.1.2) of acceptable length.
func isLocalPart(s string) bool {
	if s == "" || len(s) > maxLocalPart || strings.Contains(s, "=?") {
		return false
	}
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !isAtomText(r) }) {
			return false
		}
	}
	return true
}

// isAtomText is atext of RFC 5322 section 3.2.3.
func isAtomText(r rune) bool {
	return isLetterOrDigit(r) || r < utf8.RuneSelf && strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

func isLetterOrDigit(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// canonicalDomain returns the lower-case A-label form of a domain name. Characters that the mapping of UTS 46 would drop
// without a trace are refused first, so that no two texts that differ invisibly are the same address by accident.
func canonicalDomain(s string) (string, bool) {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isInvisible) {
		return "", false
	}
	ascii, err := idna.Lookup.ToASCII(s)
	if err != nil || !isDomainName(ascii) {
		return "", false
	}
	uni, err := idna.Lookup.ToUnicode(ascii)
	if err != nil {
		return "", false
	}
	again, err := idna.Lookup.ToASCII(uni)
	return ascii, err == nil && again == ascii
}

// isDomainName reports whether s consists of at least two LDH labels (RFC 5890 section 2.3.1) and is not an IP address.
func isDomainName(s string) bool {
	if !strings.Contains(s, ".") {
		return false
	}
	var last string
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, func(r rune) bool { return !isLetterOrDigit(r) && r != '-' }) {
			return false
		}
		last = label
	}
	// A top-level domain is never a number (RFC 3696 section 2): 127.0.0.1 is no name, and neither is 127.1.
	return strings.ContainsFunc(last, func(r rune) bool { return r < '0' || r > '9' }) && !isIP(s)
}

func isIP(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// isInvisible reports whether r shows nothing by itself: controls, format and bidi characters, line separators,
// variation selectors, fillers, and what is no character at all.
func isInvisible(r rune) bool {
	return r == utf8.RuneError ||
		unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point)
}
