package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

func host(field *string) kind {
	return parsed(field, func(text string) (string, error) {
		if _, err := netip.ParseAddr(text); err != nil && !isHostName(text) {
			return "", errors.New("must be an IP address or a host name, without a port")
		}
		return text, nil
	})
}

func listenAddr(field *string) kind {
	return parsed(field, func(text string) (string, error) {
		h, port, err := net.SplitHostPort(text)
		if err != nil || port == "" || port != "0" && !isPort(port) {
			return "", errors.New("must be an address and a port, such as 127.0.0.1:9090")
		}
		return net.JoinHostPort(h, port), nil
	})
}

// webURL is a place that other URLs are made from by appending a path.
func webURL(field **url.URL) kind {
	return parsed(field, func(text string) (*url.URL, error) {
		u, err := parseWebURL(text)
		if err != nil || strings.ContainsAny(text, "?#") {
			return nil, errors.New("must be an http or https URL without user, query and fragment, such as https://app.example.com")
		}
		u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
		return u, nil
	})
}

// awsRegion is a region of Amazon Web Services, which becomes part of a host's name.
func awsRegion(field *string) kind {
	return parsed(field, func(text string) (string, error) {
		if !isHostName(text) || strings.Contains(text, ".") || !strings.Contains(text, "-") || strings.ToLower(text) != text {
			return "", errors.New("must be a region such as eu-central-1")
		}
		return text, nil
	})
}

// isExposed reports whether what goes to u can be read on the way: it is not https, and leaves the machine.
func isExposed(u *url.URL) bool {
	if u == nil || u.Scheme == "https" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback())
}

// parseOrigin returns an origin (RFC 6454, section 6.2) as browsers write it: lower case, no default port.
func parseOrigin(text string) (string, error) {
	if text == AnyOrigin {
		return text, nil
	}
	u, err := parseWebURL(text)
	if err != nil || u.Path != "" || strings.ContainsAny(text, "?#") {
		return "", errors.New("must be origins such as https://app.example.com: scheme, host and maybe a port, nothing behind them")
	}
	return u.Scheme + "://" + u.Host, nil
}

// parseWebURL parses an absolute http(s) URL without credentials. The host it returns is in lower case and has no
// default port.
func parseWebURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	name, port := u.Hostname(), u.Port()
	_, notIP := netip.ParseAddr(name)
	defaultPort, isWeb := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if !isWeb || u.User != nil || !isPort(port) || strings.HasSuffix(u.Host, ":") || (notIP != nil && !isHostName(name)) {
		return nil, errors.New("not a plain web address")
	}
	if port == defaultPort {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// parsePrefix reads a network, or an address as the network of that address alone. IPv4 networks written as IPv6 become
// IPv4, since addresses are compared as such.
func parsePrefix(text string) (netip.Prefix, error) {
	err := errors.New("must be IP addresses or networks such as 10.0.0.0/8, whose bits behind the slash's length are zero")
	if !strings.Contains(text, "/") {
		addr, parseErr := netip.ParseAddr(text)
		if parseErr != nil || addr.Zone() != "" {
			return netip.Prefix{}, err
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, parseErr := netip.ParsePrefix(text)
	if parseErr != nil || p != p.Masked() {
		return netip.Prefix{}, err
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}

// isHostName reports whether text is a name of letters, digits and inner hyphens between dots (RFC 1123, section 2.1).
func isHostName(text string) bool {
	if len(text) == 0 || len(text) > 253 {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}
