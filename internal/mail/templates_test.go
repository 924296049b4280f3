package mail

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/a64core/hub"
)

var update = flag.Bool("update", false, "rewrite the golden mails")

// kinds lists every kind of mail that the domain has.
var kinds = []hub.MailKind{
	hub.MailVerification, hub.MailReset, hub.MailEmailChange, hub.MailEmailChangeAsked,
	hub.MailEmailChanged, hub.MailPasswordChanged, hub.MailEmailTaken, hub.MailAccountLocked,
	KindTest,
}

var site = Site{AppName: "A64 Core", From: "hub@example.com", FrontendURL: "https://app.example.com"}

func newTemplates(t testing.TB) *Templates {
	t.Helper()
	templates, err := NewTemplates(site)
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func letter(kind hub.MailKind, name string) Letter {
	l := Letter{
		Kind: kind, To: "ada@example.com", FirstName: name,
		At: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC), IP: "192.0.2.7",
	}
	switch kind {
	case hub.MailReset:
		l.Token, l.ValidFor = hub.NewSecret("tok.en"), time.Hour
	case hub.MailVerification, hub.MailEmailChange:
		l.Token, l.ValidFor = hub.NewSecret("tok.en"), 24*time.Hour
	case hub.MailAccountLocked:
		l.ValidFor = 15 * time.Minute
	}
	return l
}

func languages(t *testing.T) []string {
	t.Helper()
	frames, err := fs.Glob(embedded, "templates/*/frame.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range frames {
		all = append(all, filepath.Base(filepath.Dir(f)))
	}
	return all
}

func TestEveryMailInEveryLanguage(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	for _, language := range languages(t) {
		for _, kind := range kinds {
			t.Run(language+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				l := letter(kind, "Zoë O'Neill")
				l.Locale = language
				m, err := templates.Render(l)
				if err != nil {
					t.Fatal(err)
				}
				got := "Subject: " + m.Subject + "\n\n--- text ---\n" + m.Text.Reveal() + "--- HTML ---\n" + m.HTML.Reveal()
				file := filepath.Join("testdata", language, string(kind)+".golden")
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("run with -update if this is meant (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestEveryLanguageHasEveryKindAndNoOther(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(slices.Values(kinds))
	for tag, words := range newTemplates(t).languages {
		var got []hub.MailKind
		for kind := range words {
			got = append(got, kind)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tag, diff)
		}
	}
}

func TestLocaleFallsBack(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	for locale, want := range map[string]string{
		"": "en", "en": "en", "en-GB": "en", "de": "de", "de-AT": "de", "DE_at": "de", "de-Latn-AT": "de",
		"fr": "en", "d": "en", "deu": "en", "-": "en", "../de": "en", "-de": "en",
	} {
		l := letter(hub.MailReset, "Ada")
		l.Locale = locale
		m, err := templates.Render(l)
		if err != nil {
			t.Fatalf("%q: %v", locale, err)
		}
		if !strings.Contains(m.HTML.Reveal(), `<html lang="`+want+`">`) {
			t.Errorf("locale %q did not give language %q", locale, want)
		}
	}
}

func TestTokenStandsInTheLinkOnly(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	for _, kind := range kinds {
		l := letter(kind, "Ada")
		l.Token = hub.NewSecret("s3cr3t")
		m, err := templates.Render(l)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if linkPath(kind) != "" {
			want = 1
		}
		if got := strings.Count(m.Text.Reveal(), "s3cr3t"); got != want {
			t.Errorf("%s: token occurs %d times in the text, want %d", kind, got, want)
		}
		if strings.Contains(m.Subject, "s3cr3t") || m.Link.IsZero() == (want == 1) {
			t.Errorf("%s: token in subject or link wrong", kind)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	noToken := letter(hub.MailReset, "Ada")
	noToken.Token = hub.Secret{}
	for name, l := range map[string]Letter{"unknown kind": letter("frame", "Ada"), "link without token": noToken} {
		if m, err := templates.Render(l); err == nil {
			t.Errorf("%s: rendered %q", name, m.Subject)
		}
	}
}

// What a user may call themselves must neither become markup, nor a link, nor code (INJ-09 to INJ-12).
func TestHostileNamesStayNames(t *testing.T) {
	t.Parallel()
	templates := newTemplates(t)
	for _, name := range []string{
		`<a href=//evil>x</a><img src=x onerror=alert(1)>`,
		`</p></div><script>alert(1)</script>`,
		`{{.Link}}`, `{{printf "%s" .}}`, `${7*7}`, `%s%n`, `<%= 1 %>`, `.`, `"><b>`, `&amp;`, `--`, `-- `,
	} {
		m, err := templates.Render(letter(hub.MailReset, name))
		if err != nil {
			t.Fatal(err)
		}
		greeting := "Hello " + strings.TrimSpace(name) + ","
		if !strings.HasPrefix(m.Text.Reveal(), greeting+"\n") {
			t.Errorf("%q: not literally in the text", name)
		}
		wantTags, wantTexts := parse(t, templates, "Ada")
		tags, texts := parse(t, templates, name)
		if diff := cmp.Diff(wantTags, tags); diff != "" {
			t.Errorf("%q changed the markup (-want +got):\n%s", name, diff)
		}
		wantTexts[slices.Index(wantTexts, "Hello Ada,")] = greeting
		if diff := cmp.Diff(wantTexts, texts); diff != "" {
			t.Errorf("%q changed the wording (-want +got):\n%s", name, diff)
		}
	}
}

// parse renders a mail and returns the tags, with attributes, and the texts of its HTML.
func parse(t *testing.T, templates *Templates, name string) (tags, texts []string) {
	t.Helper()
	m, err := templates.Render(letter(hub.MailReset, name))
	if err != nil {
		t.Fatal(err)
	}
	for z := html.NewTokenizer(strings.NewReader(m.HTML.Reveal())); ; {
		switch z.Next() {
		case html.ErrorToken:
			return tags, texts
		case html.TextToken:
			if text := strings.TrimSpace(z.Token().Data); text != "" {
				texts = append(texts, text)
			}
		default:
			tags = append(tags, z.Token().String())
		}
	}
}

func TestNewTemplatesChecksTheSite(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Site){
		"no app name":            func(s *Site) { s.AppName = " " },
		"line break in app name": func(s *Site) { s.AppName = "A64\r\nBcc: x@evil.io" },
		"no sender":              func(s *Site) { s.From = "" },
		"two senders":            func(s *Site) { s.From = "a@x.io, b@x.io" },
		"header in sender":       func(s *Site) { s.From = "a@x.io\r\nBcc: b@x.io" },
		"no frontend":            func(s *Site) { s.FrontendURL = "" },
		"frontend not http":      func(s *Site) { s.FrontendURL = "javascript:alert(1)" },
	} {
		bad := site
		change(&bad)
		if _, err := NewTemplates(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	named := site
	named.From = "The Hub <hub@example.com>"
	templates, err := NewTemplates(named)
	if err != nil {
		t.Fatal(err)
	}
	if got := templates.from.Name; got != "The Hub" {
		t.Errorf("sender's name %q", got)
	}
	if got := newTemplates(t).from.Name; got != site.AppName {
		t.Errorf("sender without a name got %q", got)
	}
}

func TestWholeUnits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d    time.Duration
		unit string
		n    int
	}{
		{time.Second, "minutes", 1},
		{time.Minute, "minutes", 1},
		{61 * time.Second, "minutes", 2},
		{90 * time.Minute, "minutes", 90},
		{time.Hour, "hours", 1},
		{24 * time.Hour, "hours", 24},
		{48 * time.Hour, "days", 2},
		{49 * time.Hour, "hours", 49},
	} {
		if unit, n := wholeUnits(tt.d); unit != tt.unit || n != tt.n {
			t.Errorf("%v = %d %s, want %d %s", tt.d, n, unit, tt.n, tt.unit)
		}
	}
}
