package config

import (
	"errors"
	"net/textproto"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/a64core/hub"
)

// otlpHeaders are headers as OpenTelemetry's specification writes them ("Specifying headers via environment variables"):
// name=value, separated by commas, values percent-encoded.
func otlpHeaders(field *map[string]hub.Secret) kind {
	k := parsed(field, func(text string) (map[string]hub.Secret, error) {
		if !isTidy(text) {
			return nil, errUntidy
		}
		headers := make(map[string]hub.Secret)
		for part := range strings.SplitSeq(text, ",") {
			name, encoded, found := strings.Cut(strings.TrimSpace(part), "=")
			name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			value, err := url.PathUnescape(strings.TrimSpace(encoded))
			_, again := headers[name]
			if !found || err != nil || again || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return nil, errors.New("must be name=value, separated by commas, each name once, with special characters percent-encoded")
			}
			if strings.HasPrefix(name, "Content-") {
				return nil, errors.New("must not describe the content, which the hub does itself")
			}
			headers[name] = hub.NewSecret(value)
		}
		return headers, nil
	})
	k.secret = true
	return k
}
