package middleware

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a64core/hub"
)

const (
	maxRequestID = 64
	maxUserAgent = 255 // bytes
	maxHops      = 64  // of X-Forwarded-For that are looked at
)

// origin returns where a request comes from and what it is called.
func origin(r *http.Request, trusted []netip.Prefix) hub.Origin {
	from := hub.Origin{RequestID: requestID(r.Header), UserAgent: userAgent(r.Header.Get("User-Agent"))}
	if ip := clientAddress(r.RemoteAddr, r.Header["X-Forwarded-For"], trusted); ip.IsValid() {
		from.IP = ip.String()
	}
	return from
}

// requestID returns the incoming id if it is short and harmless (OWASP ASVS 16.4.1), or else a new one.
func requestID(h http.Header) string {
	ids := h["X-Request-Id"]
	if len(ids) != 1 || ids[0] == "" || len(ids[0]) > maxRequestID {
		return hub.NewID()
	}
	for i := range len(ids[0]) {
		switch c := ids[0][i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return hub.NewID()
		}
	}
	return ids[0]
}

// clientAddress returns the peer's address, unless the peer is a trusted proxy: then the right-most hop of X-Forwarded-For
// that is none. Whatever stands further left was written by somebody we do not trust. If a hop on the way cannot be read,
// or all are trusted, it is the last address that could be vouched for.
func clientAddress(peer string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	address, ok := parseHop(peer)
	if !ok || !isTrusted(address, trusted) {
		return address
	}
	looked := 0
	for line := len(forwarded) - 1; line >= 0; line-- {
		for rest := forwarded[line]; rest != ""; looked++ {
			hop := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, hop = rest[:comma], rest[comma+1:]
			} else {
				rest = ""
			}
			next, ok := parseHop(strings.Trim(hop, " \t"))
			if !ok || looked == maxHops {
				return address
			}
			address = next
			if !isTrusted(address, trusted) {
				return address
			}
		}
	}
	return address
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(address) {
			return true
		}
	}
	return false
}

// parseHop reads an address that may have a port, and brackets if it is of IPv6. An IPv4 address written as IPv6 is the
// IPv4 address.
func parseHop(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}

// userAgent returns the text without control characters and cut to a length that fits everywhere.
func userAgent(text string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text[:min(len(text), 4*maxUserAgent)])
	if len(clean) <= maxUserAgent {
		return clean
	}
	end := maxUserAgent
	for !utf8.RuneStart(clean[end]) {
		end--
	}
	return clean[:end]
}
