package mail

import (
	"net/url"
	"strings"
	"testing"

	"github.com/a64core/hub"
)

func TestLink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ frontend, token, want string }{
		{"https://x.io", "a.b-c_d", "https://x.io/verify-email?token=a.b-c_d"},
		{"https://x.io/", "t", "https://x.io/verify-email?token=t"},
		{"https://x.io:8443/app", "t", "https://x.io:8443/app/verify-email?token=t"},
		{"https://x.io/app/", "t", "https://x.io/app/verify-email?token=t"},
		{"https://x.io/a%2Fb/", "t", "https://x.io/a%2Fb/verify-email?token=t"},
		{"https://x.io/app?lang=de&x=1", "t", "https://x.io/app/verify-email?lang=de&token=t&x=1"},
		{"https://x.io?token=theirs", "ours", "https://x.io/verify-email?token=ours"},
		{"http://localhost:3000", "a&b=c #?%/+\"<>", "http://localhost:3000/verify-email?token=a%26b%3Dc+%23%3F%25%2F%2B%22%3C%3E"},
	} {
		got, err := Link(tt.frontend, "/verify-email", hub.NewSecret(tt.token))
		if err != nil {
			t.Errorf("%s: %v", tt.frontend, err)
		} else if got.Reveal() != tt.want {
			t.Errorf("%s: got %s, want %s", tt.frontend, got.Reveal(), tt.want)
		}
	}
}

func TestLinkRefuses(t *testing.T) {
	t.Parallel()
	for _, frontend := range []string{
		"", "x.io", "/app", "//x.io", "ftp://x.io", "javascript:alert(1)", "https://", "https://:443",
		"https://user:hunter2@x.io", "https://x.io/#/", "https://x.io?a=%zz", "https://x .io", "https://x.io\r\n",
	} {
		if got, err := Link(frontend, "/p", hub.NewSecret("t")); err == nil {
			t.Errorf("%q gave %s", frontend, got.Reveal())
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: error repeats the URL: %v", frontend, err)
		}
	}
	if _, err := Link("https://x.io", "/p", hub.Secret{}); err == nil {
		t.Error("a link without a token")
	}
}

func FuzzLink(f *testing.F) {
	f.Add("https://x.io/app/?q=1", "a.b.c")
	f.Add("http://[::1]:80", "&=?#")
	f.Add("https://x.io/../..", "\x00")
	f.Fuzz(func(t *testing.T, frontend, token string) {
		link, err := Link(frontend, "/verify-email", hub.NewSecret(token))
		if err != nil {
			return
		}
		base, err := url.Parse(frontend)
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.Parse(link.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if got.Scheme != base.Scheme || got.Host != base.Host || got.Query().Get("token") != token ||
			!strings.HasSuffix(got.Path, "/verify-email") {
			t.Errorf("%q gave %q", frontend, link.Reveal())
		}
	})
}
