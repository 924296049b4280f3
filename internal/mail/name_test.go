package mail

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGreetedName(t *testing.T) {
	t.Parallel()
	same := []string{
		"Ada", "Zoë", "J.R.R.", "O'Neill", "Anne-Marie", "Dr. No", "李小龙", "محمد", "Ada 👩‍💻", "नम\u200dस्ते", ".", "...",
		"{{.Link}}", "a/b", "@ada", "Ada (IT)", "<b>", "50%",
	}
	for _, name := range same {
		if got := greetedName(name); got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
	for _, name := range []string{
		"", "  ", "Visit https://evil.io/reset now", "http://1", "evil.io", "EVIL.IO", "x@evil.io", "www.evil", "WWW.e",
		"go to evil.io!", "evil．io", "evil。io", "evil｡io", "evil․io", "http：／／evil", "пример.рф", "例.中国", "192.0.2.1", "1.1.1.1",
		"ev\u200dil.\u200dio", "evil\u200b.io", "evil.\u2060io", "a\r\nb", "a\nb", "a\tb", "a\u2028b", "\u202eoi.live", "a\x00b", "a\ufffdb", "a\xffb",
	} {
		if got := greetedName(name); got != "" {
			t.Errorf("%q became %q, want it left out", name, got)
		}
	}
	if got, want := greetedName(strings.Repeat("é", 51)), strings.Repeat("é", 50)+"…"; got != want {
		t.Errorf("long name became %q", got)
	}
}

func FuzzGreetedName(f *testing.F) {
	for _, seed := range []string{"Ada", "https://evil.io", "evil.io", "a\nb", "\xff", strings.Repeat("x", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := greetedName(name)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxGreetedName+1 ||
			strings.ContainsAny(got, "\r\n\x00\u2028\u2029\u202e") || strings.Contains(got, "://") || greetedName(got) == "" && got != "" {
			t.Errorf("%q became %q", name, got)
		}
	})
}
