package redisurl

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/a64core/hub"
)

// errScheme is about what stands before "://".
var errScheme = errors.New("must begin with redis://, redis+sentinel:// or redis+cluster://, or with rediss for TLS")

// Parse reads a URL. The error says what is wrong in a sentence that completes "the value ..." and repeats nothing of the
// URL, which may hold passwords.
func Parse(text string) (URL, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return URL{}, errScheme
	}
	u, err := ofScheme(scheme)
	if err != nil {
		return URL{}, err
	}
	if strings.Contains(rest, "#") {
		return URL{}, errors.New("must not contain #; in a password write %23")
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	hosts := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		hosts = authority[at+1:]
		if u.User, u.Password, err = credentials(authority[:at]); err != nil {
			return URL{}, err
		}
	}
	if err := u.setHosts(hosts); err != nil {
		return URL{}, err
	}
	if err := u.setPath(path); err != nil {
		return URL{}, err
	}
	if err := u.setOptions(query); err != nil {
		return URL{}, err
	}
	return u, nil
}

func ofScheme(scheme string) (URL, error) {
	base, kind, hasKind := strings.Cut(scheme, "+")
	u := URL{TLS: base == "rediss"}
	switch {
	case base != "redis" && base != "rediss":
		return URL{}, errScheme
	case !hasKind:
	case kind == "sentinel":
		u.Topology = Sentinel
	case kind == "cluster":
		u.Topology = Cluster
	default:
		return URL{}, errScheme
	}
	return u, nil
}

// credentials reads user:password, both percent-encoded.
func credentials(text string) (user string, password hub.Secret, err error) {
	name, secret, ok := strings.Cut(text, ":")
	if !ok || secret == "" {
		return "", hub.Secret{}, errors.New("names a user without a password; a password alone is written redis://:password@host")
	}
	user, err = url.PathUnescape(name)
	password, err2 := unescaped(secret)
	if errors.Join(err, err2) != nil || strings.ContainsRune(text, '@') {
		return "", hub.Secret{}, errors.New("must have special characters of its user and password percent-encoded")
	}
	return user, password, nil
}

func unescaped(text string) (hub.Secret, error) {
	plain, err := url.PathUnescape(text)
	return hub.NewSecret(plain), err
}

// setHosts reads host[:port], or a list of them separated by commas where several make sense.
func (u *URL) setHosts(text string) error {
	port := "6379"
	if u.Topology == Sentinel {
		port = "26379"
	}
	for part := range strings.SplitSeq(text, ",") {
		addr, err := address(part, port)
		if err != nil {
			return err
		}
		u.Hosts = append(u.Hosts, addr)
	}
	if u.Topology == Single && len(u.Hosts) > 1 {
		return errors.New("must name one host; several are written with redis+sentinel:// or redis+cluster://")
	}
	return nil
}

// address completes one host by the port.
func address(text, port string) (string, error) {
	wrong := errors.New("must name hosts with ports from 1 to 65535, such as redis.example.com:6379; special characters of a password are percent-encoded")
	var host string
	if bare, ok := strings.CutPrefix(text, "["); ok { // IPv6
		end := strings.IndexByte(bare, ']')
		if end < 0 {
			return "", wrong
		}
		if addr, err := netip.ParseAddr(bare[:end]); err != nil || !addr.Is6() {
			return "", wrong
		}
		host, text = bare[:end], bare[end+1:]
		if text != "" && text[0] != ':' {
			return "", wrong
		}
	} else {
		host, _, _ = strings.Cut(text, ":")
		text = text[len(host):]
		if !isHost(host) {
			return "", wrong
		}
	}
	if text != "" {
		n, err := strconv.ParseUint(text[1:], 10, 16)
		if err != nil || n == 0 {
			return "", wrong
		}
		port = strconv.FormatUint(n, 10)
	}
	return net.JoinHostPort(host, port), nil
}

// isHost reports whether text can be a name or an IPv4 address. Names in container networks may have underscores.
func isHost(text string) bool {
	return text != "" && len(text) <= 253 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// setPath reads the database, behind the master's name if there are sentinels.
func (u *URL) setPath(path string) error {
	db := path
	switch u.Topology {
	case Cluster:
		if path != "" {
			return errors.New("must have nothing behind the hosts: a cluster has one database")
		}
		return nil
	case Sentinel:
		name, rest, _ := strings.Cut(path, "/")
		master, err := url.PathUnescape(name)
		if err != nil || master == "" {
			return errors.New("must name the master behind the sentinels: redis+sentinel://host1,host2/master")
		}
		u.Master, db = master, rest
	case Single:
	}
	if db == "" {
		return nil
	}
	n, err := strconv.ParseUint(db, 10, 16)
	if err != nil {
		return errors.New("must end with the number of a database, such as /0, or without")
	}
	u.DB = int(n)
	return nil
}

// setOptions reads what stands behind the question mark.
func (u *URL) setOptions(query string) error {
	options, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("must have special characters of its options percent-encoded")
	}
	for name, values := range options {
		value := values[0]
		switch {
		case len(values) > 1:
			return errors.New("must have no option twice")
		case name == "skip_verify" && u.TLS:
			if u.SkipVerify, err = strconv.ParseBool(value); err != nil {
				return errors.New("must have true or false as skip_verify")
			}
		case name == "sentinel_username" && u.Topology == Sentinel:
			u.SentinelUser = value
		case name == "sentinel_password" && u.Topology == Sentinel:
			u.SentinelPassword = hub.NewSecret(value)
		default:
			return fmt.Errorf("must have no options but %s", u.allowed())
		}
	}
	if u.SentinelUser != "" && u.SentinelPassword.IsZero() {
		return errors.New("must have a sentinel_password with its sentinel_username")
	}
	return nil
}

// allowed names the options that this URL may have.
func (u *URL) allowed() string {
	const ofTLS = "skip_verify with rediss"
	if u.Topology == Sentinel {
		return "sentinel_username, sentinel_password and " + ofTLS
	}
	return ofTLS
}
