package field_test

import (
	"strings"
	"testing"

	"github.com/a64core/hub/internal/field"
)

// cases are values of one field and what the field makes of them; the empty string stands for a refusal.
type cases []struct{ name, raw, want string }

func (c cases) run(t *testing.T, check func(string) (string, error)) {
	t.Helper()
	for _, tt := range c {
		got, err := check(tt.raw)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q became %q, %v; want %q", tt.name, tt.raw, got, err, tt.want)
		}
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	cases{
		{"German", "+4930123456", "+4930123456"},
		{"7 digits", "+6834321", "+6834321"},
		{"15 digits", "+123456789012345", "+123456789012345"},
		{"6 digits", "+683432", ""},
		{"16 digits", "+1234567890123456", ""},
		{"a country code only", "+1", ""},
		{"country code 0", "+0301234567", ""},
		{"no plus", "4930123456", ""},
		{"two plus signs", "++4930123456", ""},
		{"spaces", "+49 30 123456", ""},
		{"letters", "+4930CALLME", ""},
		{"other digits", "+٤٩٣٠١٢٣٤", ""},
		{"line feed", "+4930123456\n", ""},
		{"empty", "", ""},
	}.run(t, field.Phone)
}

func TestAvatar(t *testing.T) {
	t.Parallel()
	longest := "https://x.io/" + strings.Repeat("a", 500-len("https://x.io/"))
	cases{
		{"REG-19 https", "https://x.io/a.png", "https://x.io/a.png"},
		{"query and fragment", "https://x.io/a?b=c&d=%20#e", "https://x.io/a?b=c&d=%20#e"},
		{"REG-19 loopback is accepted, never fetched", "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"},
		{"IPv6", "http://[::1]:8080/x", "http://[::1]:8080/x"},
		{"capitals", "HTTPS://X.io", "HTTPS://X.io"},
		{"A-label", "https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"},
		{"REG-19 500 characters", longest, longest},
		{"REG-19 501 characters", longest + "a", ""},
		{"REG-19 javascript", "javascript:alert(1)", ""},
		{"javascript with a host", "javascript://x.io/%0aalert(1)", ""},
		{"REG-19 data", "data:text/html,x", ""},
		{"REG-19 file", "file:///etc/passwd", ""},
		{"ftp", "ftp://x.io/a", ""},
		{"no scheme", "//x.io/a", ""},
		{"relative", "/a.png", ""},
		{"no host", "https:///a", ""},
		{"opaque", "https:x.io", ""},
		{"port only", "https://:443/", ""},
		{"empty port", "https://x.io:/", ""},
		{"port 0", "https://x.io:0/", ""},
		{"port 65536", "https://x.io:65536/", ""},
		{"user name", "https://user@x.io/", ""},
		{"empty user name", "https://@x.io/", ""},
		{"backslash", `https://x.io\@evil.io/`, ""},
		{"space", "https://x.io/a b", ""},
		{"quote", `https://x.io/"onerror=`, ""},
		{"markup", "https://x.io/<b>", ""},
		{"line break", "https://x.io/\r\n", ""},
		{"tab in the scheme", "java\tscript:alert(1)", ""},
		{"not ASCII", "https://x.io/ü", ""},
		{"percent in the host", "https://x%2eio/", ""},
		{"bad percent", "https://x.io/%zz", ""},
		{"empty label", "https://x..io/", ""},
		{"empty", "", ""},
	}.run(t, field.Avatar)
}

func FuzzAvatar(f *testing.F) {
	for _, seed := range []string{"", "https://x.io/a.png", "http://[::1]:8080/x", "javascript:alert(1)", "https://u@x.io", "https://x.io:0", "http://[::1%25a]/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := field.Avatar(raw)
		if err != nil {
			return
		}
		scheme, rest, _ := strings.Cut(strings.ToLower(got), "://")
		authority, _, _ := strings.Cut(rest, "/")
		authority, _, _ = strings.Cut(authority, "?")
		authority, _, _ = strings.Cut(authority, "#")
		if got != raw || len(got) > 500 || scheme != "http" && scheme != "https" || authority == "" || strings.Contains(authority, "@") {
			t.Errorf("Avatar(%q) = %q", raw, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) }) {
			t.Errorf("Avatar(%q) was accepted", raw)
		}
	})
}

func TestTimezone(t *testing.T) {
	t.Parallel()
	cases{
		{"city", "Europe/Berlin", "Europe/Berlin"},
		{"three parts", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"},
		{"hyphens", "America/Port-au-Prince", "America/Port-au-Prince"},
		{"UTC", "UTC", "UTC"},
		{"offset", "Etc/GMT+12", "Etc/GMT+12"},
		{"empty", "", ""},
		{"local", "Local", ""},
		{"unknown", "Europe/Atlantis", ""},
		{"abbreviation", "CETX", ""},
		{"lower case", "europe/berlin", ""},
		{"folder of the machine's database", "right/Europe/Berlin", ""},
		{"file of the machine's database", "posixrules", ""},
		{"absolute path", "/etc/localtime", ""},
		{"parent folder", "../../etc/passwd", ""},
		{"parent folder inside", "Europe/../Europe/Berlin", ""},
		{"folder", "Europe", ""},
		{"trailing slash", "Europe/Berlin/", ""},
		{"backslash", `Europe\Berlin`, ""},
		{"NUL", "Europe/Berlin\x00", ""},
		{"51 characters", "A" + strings.Repeat("a", 50), ""},
	}.run(t, field.Timezone)
}

func TestLocale(t *testing.T) {
	t.Parallel()
	cases{
		{"language", "de", "de"},
		{"region", "en-GB", "en-GB"},
		{"capitals and underscore", "EN_gb", "en-GB"},
		{"script and region", "zh-Hant-TW", "zh-Hant-TW"},
		{"region by number", "es-419", "es-419"},
		{"deprecated", "iw", "he"},
		{"empty", "", ""},
		{"undetermined", "und", ""},
		{"unknown", "xx", ""},
		{"POSIX", "en_US.UTF-8", ""},
		{"C", "C", ""},
		{"11 characters", "sr-Latn-RS-", ""},
		{"11 characters, well-formed", "zh-Hant-TWX", ""},
		{"canonical form too long", "en-GB-oed", ""},
		{"space", "en GB", ""},
		{"list", "en,de", ""},
		{"NUL", "en\x00", ""},
		{"wildcard", "*", ""},
	}.run(t, field.Locale)
}

func FuzzLocale(f *testing.F) {
	for _, seed := range []string{"", "de", "EN_gb", "zh-Hant-TW", "art-lojban", "i-klingon", "x-private", "en-u-co", "und"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := field.Locale(raw)
		if err != nil {
			return
		}
		if again, err := field.Locale(got); err != nil || again != got || len(got) > 10 || got == "" {
			t.Errorf("Locale(%q) = %q, and of that %q, %v", raw, got, again, err)
		}
	})
}
