package mail

import (
	"errors"
	"net/url"

	"github.com/a64core/hub"
)

// linkPath returns the page of the frontend to which the link of a mail leads, or "" for a mail without a link.
func linkPath(kind hub.MailKind) string {
	switch kind {
	case hub.MailVerification, hub.MailEmailChange:
		return "/verify-email"
	case hub.MailReset:
		return "/reset-password"
	}
	return ""
}

// Link returns frontendURL extended by path and a token parameter. The frontend may live under a path of its own and may
// have parameters of its own; both stay. No error repeats an argument.
func Link(frontendURL, path string, token hub.Secret) (hub.Secret, error) {
	u, err := parseFrontendURL(frontendURL)
	if err != nil {
		return hub.Secret{}, err
	}
	if token.IsZero() {
		return hub.Secret{}, errors.New("link without a token")
	}
	u = u.JoinPath(path)
	query := u.Query()
	query.Set("token", token.Reveal())
	u.RawQuery = query.Encode()
	return hub.NewSecret(u.String()), nil
}

func parseFrontendURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("frontend URL: malformed") // the cause quotes the URL
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("frontend URL: scheme must be http or https")
	case u.Hostname() == "":
		return nil, errors.New("frontend URL: host missing")
	case u.User != nil:
		return nil, errors.New("frontend URL: must not hold credentials")
	case u.Fragment != "":
		return nil, errors.New("frontend URL: must not have a fragment")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return nil, errors.New("frontend URL: malformed query")
	}
	return u, nil
}
