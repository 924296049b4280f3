package hub

import (
	"fmt"
	"log/slog"
	"unique"
)

const redacted = "[redacted]"

// Secret is a text that must never be printed: a password or its hash, a token, a link that holds one, a key. Formatting,
// logging and marshalling all give "[redacted]"; only [Secret.Reveal] gives the text, and so every use can be found.
// Secrets compare by their text. The zero value is the empty secret.
type Secret struct {
	// Behind a handle, since fmt calls no methods on a value in an unexported field, and would print a string as it is.
	text unique.Handle[string]
}

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// Reveal returns the text itself. What it returns must not reach a log, an error or an answer that is not meant to carry it.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.text.Value()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s == Secret{} }

// Format implements [fmt.Formatter] for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], which JSON and XML use too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
