package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/redisurl"
	"github.com/a64core/hub/internal/telemetry"
)

// kind is what a setting's value may be: set reads a text that is not empty into the field that the kind is bound to.
// Its error completes the sentence "the value ..." and does not repeat the text.
type kind struct {
	set     func(text string) error
	secret  bool
	boolean bool
}

// parsed returns the kind of a field that parse makes of a text.
func parsed[T any](field *T, parse func(string) (T, error)) kind {
	return kind{set: func(text string) error {
		v, err := parse(text)
		if err == nil {
			*field = v
		}
		return err
	}}
}

func text(field *string, limit int) kind {
	return parsed(field, func(text string) (string, error) {
		if utf8.RuneCountInString(text) > limit || !isPrintable(text) {
			return "", fmt.Errorf("must be at most %d printable characters", limit)
		}
		return text, nil
	})
}

func path(field *string) kind {
	return parsed(field, func(text string) (string, error) {
		if !isPrintable(text) {
			return "", errors.New("must be a path of printable characters")
		}
		return text, nil
	})
}

func boolean(field *bool) kind {
	k := parsed(field, func(text string) (bool, error) {
		v, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return false, errors.New("must be true or false")
		}
		return v, nil
	})
	k.boolean = true
	return k
}

func oneOf[T ~string](field *T, choices ...T) kind {
	names := make([]string, len(choices))
	for i, c := range choices {
		names[i] = string(c)
	}
	return parsed(field, func(text string) (T, error) {
		i := slices.Index(names, strings.ToLower(text))
		if i < 0 {
			return "", errors.New("must be one of " + strings.Join(names, ", "))
		}
		return choices[i], nil
	})
}

func number(field *int, least, most int) kind {
	return parsed(field, func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		return n, nil
	})
}

func fraction(field *float64) kind {
	return parsed(field, func(text string) (float64, error) {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(f >= 0 && f <= 1) { // nor NaN
			return 0, errors.New("must be a number from 0 to 1, such as 0.01")
		}
		return f, nil
	})
}

func rate(field *int) kind { return number(field, 0, 1_000_000) }

func duration(field *time.Duration, least, most time.Duration) kind {
	return parsed(field, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d < least || d > most {
			return 0, fmt.Errorf("must be a duration such as 90s, 15m or 24h, from %s to %s", brief(least), brief(most))
		}
		return d, nil
	})
}

// optional lets zero stand for "off" besides what k allows, and its field stays as it is.
func optional(k kind) kind {
	set := k.set
	k.set = func(text string) error {
		if d, err := time.ParseDuration(text); err == nil && d == 0 {
			return nil
		}
		if err := set(text); err != nil {
			return fmt.Errorf("%w, or 0", err)
		}
		return nil
	}
	return k
}

// brief formats a duration without the zero parts at its end: "24h", not "24h0m0s".
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func logLevel(field *slog.Level) kind {
	return parsed(field, func(text string) (slog.Level, error) {
		level, ok := telemetry.ParseLevel(text)
		if !ok {
			return 0, errors.New("must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
		}
		return level, nil
	})
}

func mailAddress(field **mail.Address) kind {
	return parsed(field, func(text string) (*mail.Address, error) {
		a, err := mail.ParseAddress(text)
		if err != nil || !isPrintable(a.Name) || !isPrintable(a.Address) {
			return nil, errors.New("must be an e-mail address such as A64 Core <no-reply@example.com>")
		}
		return a, nil
	})
}

func list[T any](field *[]T, parse func(string) (T, error)) kind {
	return parsed(field, func(text string) ([]T, error) {
		var items []T
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			item, err := parse(part)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	})
}

func secret(field *hub.Secret) kind {
	k := parsed(field, func(text string) (hub.Secret, error) {
		if !isTidy(text) {
			return hub.Secret{}, errUntidy
		}
		return hub.NewSecret(text), nil
	})
	k.secret = true
	return k
}

// secretURL is an address that may hold a password.
func secretURL(field *hub.Secret, schemes ...string) kind {
	k := parsed(field, func(text string) (hub.Secret, error) {
		if !isTidy(text) {
			return hub.Secret{}, errUntidy
		}
		u, err := url.Parse(text)
		if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || !isPort(u.Port()) {
			return hub.Secret{}, errors.New("must be a URL that begins with " + strings.Join(schemes, ":// or ") +
				"://, names a host and has special characters of its password percent-encoded")
		}
		return hub.NewSecret(text), nil
	})
	k.secret = true
	return k
}

// redisURL is where Redis is.
func redisURL(field *hub.Secret) kind {
	k := parsed(field, func(text string) (hub.Secret, error) {
		if !isTidy(text) {
			return hub.Secret{}, errUntidy
		}
		_, err := redisurl.Parse(text)
		return hub.NewSecret(text), err
	})
	k.secret = true
	return k
}

var errUntidy = errors.New("must not begin or end with white space or hold control characters")

// isTidy reports whether a secret has none of what copying and pasting adds to it.
func isTidy(text string) bool { return strings.TrimSpace(text) == text && isPrintable(text) }

// isPrintable reports whether text is UTF-8 without control characters.
func isPrintable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// isPort reports whether text is a TCP port, or empty for the scheme's own.
func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || (err == nil && n > 0)
}
