package field_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/a64core/hub/internal/field"
)

func TestNameIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw string }{
		{"one letter", "O"},
		{"REG-17 100 emoji", strings.Repeat("\U0001f600", 100)},
		{"REG-18 markup", "<script>alert(1)</script>"},
		{"REG-18 apostrophe and ampersand", "O'Brien & Søn"},
		{"composed", "Jos\u00e9"},
		{"decomposed", "Jose\u0301"},
		{"space at both ends", " Ada "},
		{"ideographic space", "山田\u3000太郎"},
		{"Persian with a non-joiner", "علی\u200cرضا"},
		{"Sinhala with a joiner", "ශ\u0dca\u200dර\u0dd3"},
		{"emoji family", "\U0001f468\u200d\U0001f469\u200d\U0001f467"},
		{"emoji with a selector before the joiner", "\u2764\ufe0f\u200d\U0001f525"},
		{"digits only", "3"},
	}
	for _, tt := range tests {
		if got, err := field.Name(tt.raw); err != nil || got != tt.raw {
			t.Errorf("%s: Name(%q) = %q, %v; want it as it is", tt.name, tt.raw, got, err)
		}
	}
}

func TestNameRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw string }{
		{"REG-17 empty", ""},
		{"REG-17 101 emoji", strings.Repeat("\U0001f600", 101)},
		{"REG-17 blank", "   "},
		{"blank in other spaces", "\u00a0\u3000\u2003"},
		{"Braille blank", "\u2800"},
		{"Hangul filler", "\u3164"},
		{"combining marks only", "\u0301\u0301"},
		{"REG-17 NUL", "\x00"},
		{"REG-17 line break", "a\r\nb"},
		{"tab", "a\tb"},
		{"next line", "a\u0085b"},
		{"REG-17 right-to-left override", "a\u202eb"},
		{"bidi isolate", "a\u2066b\u2069"},
		{"line separator", "a\u2028b"},
		{"zero width space", "a\u200bb"},
		{"byte order mark", "\ufeffa"},
		{"tag characters", "a\U000e0061"},
		{"REG-17 lone surrogate as decoders deliver it", "a\ufffd"},
		{"REG-17 raw bytes", "\xff\xfe"},
		{"noncharacter", "a\uffff"},
		{"private use", "a\ue000"},
		{"joiner first", "\u200da"},
		{"joiner last", "a\u200d"},
		{"joiners in a row", "a\u200d\u200cb"},
		{"joiner before a space", "a\u200d b"},
		{"joiner behind a space", "a \u200db"},
		{"selector first", "\ufe0fa"},
	}
	for _, tt := range tests {
		if got, err := field.Name(tt.raw); err == nil || got != "" {
			t.Errorf("%s: Name(%q) = %q, %v; want it refused", tt.name, tt.raw, got, err)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{"", "Ada", "O'Brien & Søn", "a\u202eb", "علی\u200cرضا", "\u2764\ufe0f\u200d\U0001f525", "\xff\xfe", "a\r\nb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := field.Name(raw)
		if err != nil {
			return
		}
		if got != raw || !utf8.ValidString(got) || utf8.RuneCountInString(got) > 100 || strings.TrimSpace(got) == "" {
			t.Errorf("Name(%q) = %q", raw, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
		}) {
			t.Errorf("Name(%q) was accepted", raw)
		}
	})
}
