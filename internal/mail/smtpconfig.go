package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/a64core/hub"
)

// TLSMode says how a connection to a mail server is protected.
type TLSMode string

// The modes.
const (
	TLSStart    TLSMode = "starttls" // required, not merely tried (RFC 8314 calls for no less)
	TLSImplicit TLSMode = "implicit" // from the first byte
	TLSNone     TLSMode = "none"
)

// SMTPConfig says how to reach a mail server.
type SMTPConfig struct {
	Host     string
	Port     int
	TLS      TLSMode
	Username string // empty: no authentication
	Password hub.Secret

	RootCAs *x509.CertPool // that the server's certificate must lead to; nil: the system's

	DialTimeout    time.Duration // to connect; 0: 10 s
	CommandTimeout time.Duration // for each read and write; 0: 15 s
	SendTimeout    time.Duration // for everything; 0: 30 s
}

// ParseSMTPURL reads
//
//	smtp://user:password@host:587?tls=starttls|none
//	smtps://user:password@host:465
//
// STARTTLS is required of an smtp host unless the URL says none, or is silent and the host is the machine itself.
// Credentials travel under TLS or inside the machine only. User and password are percent-encoded where need be. Errors
// repeat nothing of the URL.
func ParseSMTPURL(raw string) (SMTPConfig, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return SMTPConfig{}, errors.New("SMTP URL: malformed") // the cause quotes the URL
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		return SMTPConfig{}, errors.New("SMTP URL: scheme must be smtp or smtps")
	case u.Hostname() == "" || strings.ContainsFunc(u.Hostname(), isControlOrSpace):
		return SMTPConfig{}, errors.New("SMTP URL: host missing or malformed")
	case u.Path != "" && u.Path != "/", u.Fragment != "":
		return SMTPConfig{}, errors.New("SMTP URL: nothing may follow the host but ?tls=")
	}
	c := SMTPConfig{Host: u.Hostname()}
	if c.TLS, err = tlsMode(u); err != nil {
		return SMTPConfig{}, err
	}
	if c.Port, err = port(u, c.TLS); err != nil {
		return SMTPConfig{}, err
	}
	if u.User == nil {
		return c, nil
	}
	password, _ := u.User.Password()
	c.Username, c.Password = u.User.Username(), hub.NewSecret(password)
	switch {
	case c.Username == "" || password == "":
		return SMTPConfig{}, errors.New("SMTP URL: user and password go together")
	case strings.ContainsFunc(c.Username+password, unicode.IsControl): // NUL separates them in AUTH PLAIN
		return SMTPConfig{}, errors.New("SMTP URL: control character in user or password")
	case c.TLS == TLSNone && !isLoopback(c.Host):
		return SMTPConfig{}, errors.New("SMTP URL: a password needs TLS")
	}
	return c, nil
}

func tlsMode(u *url.URL) (TLSMode, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", errors.New("SMTP URL: malformed query")
	}
	mode, given := query["tls"]
	switch {
	case len(query) > 1 || len(query) == 1 && !given:
		return "", errors.New("SMTP URL: the only parameter is tls")
	case u.Scheme == "smtps" && !given:
		return TLSImplicit, nil
	case u.Scheme == "smtps":
		return "", errors.New("SMTP URL: smtps takes no parameter")
	case !given && isLoopback(u.Hostname()):
		return TLSNone, nil
	case !given:
		return TLSStart, nil
	case len(mode) == 1 && (mode[0] == string(TLSStart) || mode[0] == string(TLSNone)):
		return TLSMode(mode[0]), nil
	}
	return "", fmt.Errorf("SMTP URL: tls must be %s or %s", TLSStart, TLSNone)
}

func port(u *url.URL, mode TLSMode) (int, error) {
	switch {
	case u.Port() != "":
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || n == 0 {
			return 0, errors.New("SMTP URL: port out of range")
		}
		return int(n), nil
	case mode == TLSImplicit:
		return 465, nil // RFC 8314, section 3.3
	}
	return 587, nil // RFC 6409, section 3.1
}

func isControlOrSpace(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

// isLoopback reports whether a host is this machine, by its name or address alone.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
