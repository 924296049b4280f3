package hub_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func TestSecretCannotBePrinted(t *testing.T) {
	t.Parallel()
	const text = "s3cr3t-CANARY"
	s := hub.NewSecret(text)
	user := hub.User{PasswordHash: s}
	hidden := struct{ inner struct{ s hub.Secret } }{struct{ s hub.Secret }{s}} // fmt calls no methods in there

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", user)
		fmt.Fprintf(&out, verb+"\n", hidden)
		fmt.Fprintf(&out, verb+"\n", &hidden)
		fmt.Fprintf(&out, verb+"\n", []hub.Secret{s})
	}
	fmt.Fprintln(&out, s, s.String(), fmt.Errorf("wrapped: %v", s))
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("msg", "secret", s, "pointer", &s, "user", user, "hidden", hidden, "list", []hub.Secret{s})
	}
	for _, v := range []any{s, &s, map[string]hub.Secret{"a": s}, struct{ S hub.Secret }{s}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	type document struct{ S hub.Secret }
	b, err := xml.Marshal(document{s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)

	hexed := fmt.Sprintf("%x", text)
	if got := out.String(); strings.Contains(got, text) || strings.Contains(strings.ToLower(got), hexed) || strings.Contains(got, "s3c") {
		t.Errorf("a secret was printed:\n%s", got)
	}
	if s.Reveal() != text || s != hub.NewSecret(text) || s == hub.NewSecret("other") {
		t.Errorf("Reveal = %q; secrets compare by their text: %v", s.Reveal(), s == hub.NewSecret(text))
	}
	if zero := (hub.Secret{}); !hub.NewSecret("").IsZero() || zero.Reveal() != "" || s.IsZero() {
		t.Error("the empty secret is not the zero value")
	}
}
