package field

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// maxAvatar is the greatest length of an avatar URL in octets.
const maxAvatar = 500

var errAvatar = errors.New("must be an http or https URL of at most 500 characters")

// Avatar returns an http or https URL with a host, as it was sent. It is never fetched by us, but shown by others, whose
// parsers differ: so user names in it, and every character that RFC 3986 does not give a place, are refused. What is not
// ASCII must be percent-encoded, in a host as A-labels.
func Avatar(raw string) (string, error) {
	if len(raw) > maxAvatar || strings.ContainsFunc(raw, func(r rune) bool { return !isURLText(r) }) {
		return "", errAvatar
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !isHost(u.Hostname()) || !isPort(u) {
		return "", errAvatar
	}
	return raw, nil
}

// isURLText reports whether r may occur in a URL: RFC 3986 section 2.
func isURLText(r rune) bool {
	return isLetterOrDigit(r) || strings.ContainsRune("-._~:/?#[]@!$&'()*+,;=%", r)
}

// isHost reports whether s may be the host of a URL: a name of LDH labels, one label being enough, or an IP address.
func isHost(s string) bool {
	notHost := func(r rune) bool { return !isLetterOrDigit(r) && r != '-' && r != '.' }
	return isIP(s) || s != "" && s[0] != '.' && !strings.ContainsFunc(s, notHost) && !strings.Contains(s, "..")
}

func isPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}
