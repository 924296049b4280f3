package field_test

import (
	"strings"
	"testing"

	"github.com/a64core/hub/internal/field"
)

func TestEmailIsCanonical(t *testing.T) {
	t.Parallel()
	local64, label63 := strings.Repeat("l", 64), strings.Repeat("d", 63)
	longest := local64 + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 61)
	if len(longest) != 254 {
		t.Fatalf("the longest address has %d octets", len(longest))
	}
	tests := []struct{ name, raw, want string }{
		{"REG-09 case", "MiXed@Example.COM", "mixed@example.com"},
		{"REG-10 tags are significant", "a+1@x.io", "a+1@x.io"},
		{"REG-10 dots are significant", "f.oo@gmail.com", "f.oo@gmail.com"},
		{"REG-11 outer ASCII space", " \tv@x.io\t ", "v@x.io"},
		{"REG-14 U-label", "u@bücher.example", "u@xn--bcher-kva.example"},
		{"REG-14 A-label", "u@xn--bcher-kva.example", "u@xn--bcher-kva.example"},
		{"REG-14 U-label in capitals", "u@BÜCHER.example", "u@xn--bcher-kva.example"},
		{"REG-14 A-label in capitals", "u@XN--BCHER-KVA.example", "u@xn--bcher-kva.example"},
		{"REG-14 U-label decomposed", "u@bu\u0308cher.example", "u@xn--bcher-kva.example"},
		{"sharp s is not ss", "u@straße.example", "u@xn--strae-oqa.example"},
		{"ideographic full stop", "u@例え。テスト", "u@xn--r8jz45g.xn--zckzah"},
		{"every character of an atom", "!#$%&'*+-/?=^_`{|}~1@x.io", "!#$%&'*+-/?=^_`{|}~1@x.io"},
		{"local part of 64", local64 + "@x.io", local64 + "@x.io"},
		{"label of 63", "a@" + label63 + ".io", "a@" + label63 + ".io"},
		{"254 in all", longest, longest},
		{"digits in the domain", "a@1.2.3.io", "a@1.2.3.io"},
	}
	for _, tt := range tests {
		got, err := field.Email(tt.raw)
		if err != nil || got != tt.want {
			t.Errorf("%s: Email(%q) = %q, %v; want %q", tt.name, tt.raw, got, err, tt.want)
		}
	}
}

func TestEmailRefuses(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("d", 63)
	tests := []struct{ name, raw string }{
		{"empty", ""},
		{"blank", "   "},
		{"REG-11 NBSP before", "\u00a0v@x.io"},
		{"REG-11 zero width space behind", "v@x.io\u200b"},
		{"REG-11 zero width space in the domain", "v@x\u200b.io"},
		{"REG-11 byte order mark", "\ufeffv@x.io"},
		{"REG-11 line separator", "v@x.io\u2028"},
		{"REG-11 line feed around", "v@x.io\n"},
		{"soft hyphen in the domain", "v@exam\u00adple.io"},
		{"variation selector in the domain", "v@x\ufe0f.io"},
		{"combining grapheme joiner in the domain", "v@x\u034f.io"},
		{"right-to-left override", "v@\u202eoi.x"},
		{"REG-15 no at sign", "a"},
		{"REG-15 no dot", "a@b"},
		{"REG-15 two at signs", "a@@b.io"},
		{"two at signs apart", "a@b@c.io"},
		{"fullwidth at sign", "a@b.io＠c.io"},
		{"REG-15 space", "a b@x.io"},
		{"REG-15 display name", "A <a@x.io>"},
		{"REG-15 list", "a@x.io,b@x.io"},
		{"REG-15 empty label", "a@x..io"},
		{"REG-15 label with hyphen first", "a@-x.io"},
		{"label with hyphen last", "a@x-.io"},
		{"REG-15 address literal", "a@[127.0.0.1]"},
		{"IPv4 address", "a@127.0.0.1"},
		{"IPv6 literal", "a@[IPv6:::1]"},
		{"REG-15 quoted local part", `"a b"@x.io`},
		{"REG-15 comment", "(c)a@x.io"},
		{"comment behind", "a@x.io(c)"},
		{"REG-15 encoded word", "=?utf-8?q?a?=@x.io"},
		{"REG-15 local part of 65", strings.Repeat("l", 65) + "@x.io"},
		{"label of 64", "a@" + label63 + "d.io"},
		{"REG-15 255 in all", strings.Repeat("l", 64) + "@" + label63 + "." + label63 + "." + strings.Repeat("d", 62)},
		{"a megabyte", strings.Repeat("a", 1<<20) + "@x.io"},
		{"a megabyte of labels", "a@" + strings.Repeat("a.", 1<<19) + "io"},
		{"dot first", ".a@x.io"},
		{"dot last", "a.@x.io"},
		{"two dots", "a..b@x.io"},
		{"root dot", "a@x.io."},
		{"empty local part", "@x.io"},
		{"empty domain", "a@"},
		{"underscore in the domain", "a@x_y.io"},
		{"non-ASCII local part", "jörg@x.io"},
		{"Cyrillic local part", "\u0430@x.io"},
		{"INJ-07 header", "v@x.io\r\nBcc: e@evil.io"},
		{"INJ-07 line feed", "v@x.io\nTo: e@evil.io"},
		{"INJ-07 line separator", "v@x.io\u2028Bcc:"},
		{"INJ-07 percent-encoded", "v@x.io%0d%0aBcc:"},
		{"NUL", "v\x00@x.io"},
		{"invalid UTF-8", "v@\xff\xfe.io"},
		{"replacement character", "v@\ufffd.io"},
		{"A-label of nothing", "a@xn--.io"},
		{"A-label that is plain ASCII", "a@xn--x-.io"},
		{"A-label that does not decode", "a@xn--\u007f.io"},
		{"A-label of a capital", "a@xn--Bcher-kva\u00dc.io"},
	}
	for _, tt := range tests {
		got, err := field.Email(tt.raw)
		if err == nil || got != "" {
			t.Errorf("%s: Email(%.80q) = %q, %v; want it refused", tt.name, tt.raw, got, err)
		}
	}
}

func FuzzEmail(f *testing.F) {
	for _, seed := range []string{
		"", "a@x.io", " MiXed@Example.COM ", "u@bücher.example", "u@xn--bcher-kva.example", "=?utf-8?q?a?=@x.io",
		"v@x.io\r\nBcc: e@evil.io", "a@例え。テスト", "a@xn--a.io", "a@ﬀ.io", "a@\u212aelvin.io", "a@İ.io", "a@x\u200dy.io",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := field.Email(raw)
		if err != nil {
			return
		}
		again, err := field.Email(got)
		if err != nil || again != got {
			t.Errorf("Email(%q) = %q, and of that %q, %v", raw, got, again, err)
		}
		local, domain, _ := strings.Cut(got, "@")
		if len(got) > 254 || len(local) > 64 || !strings.Contains(domain, ".") {
			t.Errorf("Email(%q) = %q: lengths", raw, got)
		}
		for _, r := range got {
			if r <= ' ' || r >= 0x7f || 'A' <= r && r <= 'Z' || strings.ContainsRune(`<>()[]\,;:"`, r) {
				t.Errorf("Email(%q) = %q has %q", raw, got, r)
			}
		}
	})
}
