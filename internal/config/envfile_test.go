package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvFileForms(t *testing.T) {
	t.Parallel()
	text := "\ufeff# comment\r\n" + `
A=plain
export B = spaced out  # comment
C='single $HOME # "kept" \n'
D="double \"quoted\" \$5 \\ \n" # comment
E=
F=a#b
G=#only a comment
H="it's"
I=a=b==
J=5$
K=\no\escapes
exported=x
  L=indented
`
	want := map[string]string{
		"A": "plain", "B": "spaced out", "C": `single $HOME # "kept" \n`, "D": "double \"quoted\" $5 \\ \n", "E": "",
		"F": "a#b", "G": "", "H": "it's", "I": "a=b==", "J": "5$", "K": `\no\escapes`, "exported": "x", "L": "indented",
	}
	got, problems := parseEnvFile(".env", text)
	if problems != nil {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEnvFileMistakesNameTheLineAndNothingOfIt(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"no equals sign", "A=1\nCANARY", "line 2: must be NAME=value"},
		{"bad name", "CANARY-X=1", "line 1: must be NAME=value"},
		{"name begins with a digit", "1CANARY=1", "line 1: must be NAME=value"},
		{"no name", "=CANARY", "line 1: must be NAME=value"},
		{"open single quote", "A='CANARY", "line 1: " + errQuotes.Error()},
		{"open double quote", `A="CANARY\"`, "line 1: " + errQuotes.Error()},
		{"something behind the quote", `A="x"CANARY`, "line 1: " + errQuotes.Error()},
		{"comment without space", `A='x'#CANARY`, "line 1: " + errQuotes.Error()},
		{"variable", "A=CANARY$HOME", "line 1: " + errExpansion.Error()},
		{"variable in braces", `A="CANARY${HOME}"`, "line 1: " + errExpansion.Error()},
		{"command", "A=$(CANARY)", "line 1: " + errExpansion.Error()},
		{"twice", "A=1\nB=2\nA=CANARY", "line 3: has the name of line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := parseEnvFile(".env", tt.text)
			if got := problems.Error(); got != ".env: "+tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMisspelledNamesAreWarnedOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, meant string }{
		{"SECRETKEY", "SECRET_KEY"},
		{"secret_kye", "SECRET_KEY"},
		{"FRONTEND_URLS", "FRONTEND_URL"},
		{"MAIL_FORM", "MAIL_FROM"},
		{"PORTS", "PORT"},
		{"port", "PORT"},
		{"RATE_LIMIT_GEUST", "RATE_LIMIT_GUEST"},
		{"PATH", ""},
		{"HOME", ""},
		{"COMPOSE_PROJECT_NAME", ""},
		{"PORT", ""},
		{"MONGODB_URL", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want string
			if tt.meant != "" {
				want = ".env: " + tt.name + " is no setting; maybe " + tt.meant + " is meant"
			}
			if got := misspellings(".env", map[string]string{tt.name: "x"}).Error(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func FuzzParseEnvFile(f *testing.F) {
	f.Add("A=1\nexport B='x' # y\nC=\"\\n\\\"\"\n")
	f.Add("A=$HOME\nA=\nA='\n=\n\ufeff#")
	f.Fuzz(func(t *testing.T, text string) {
		values, problems := parseEnvFile("f", text)
		if lines := strings.Count(text, "\n") + 1; len(values)+len(problems) > lines {
			t.Errorf("%d values and %d mistakes of %d lines", len(values), len(problems), lines)
		}
		for name := range values {
			if !isEnvName(name) {
				t.Errorf("name %q", name)
			}
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add("PORT", "80")
	f.Add("FRONTEND_URL", "https://[::1]:80/%2f?#")
	f.Add("ALLOWED_ORIGINS", "https://a.example,*,")
	f.Add("TRUSTED_PROXIES", "::ffff:1.2.3.4/96,10.0.0.0/8")
	f.Add("SESSION_MAX_AGE", "-0s")
	f.Add("MAIL_FROM", "=?utf-8?q?=0a?= <a@b>")
	f.Add("SMTP_URL", "smtp://:@[::]:1")
	f.Add("SECRET_KEY_PREVIOUS", ",,")
	f.Fuzz(func(t *testing.T, name, value string) {
		c, err := Load(from(map[string]string{name: value}))
		if err != nil {
			_ = problemsOf(t, err)
			return
		}
		if c.FrontendURL == nil || !strings.HasPrefix(c.FrontendURL.String(), "http") || strings.HasSuffix(c.FrontendURL.String(), "/") {
			t.Errorf("%s=%q gives the front end %v", name, value, c.FrontendURL)
		}
		for _, o := range c.AllowedOrigins {
			if again, err := parseOrigin(o); err != nil || again != o {
				t.Errorf("origin %q reads as %q, %v", o, again, err)
			}
		}
		for _, p := range c.TrustedProxies {
			if again, err := parsePrefix(p.String()); err != nil || again != p {
				t.Errorf("network %v reads as %v, %v", p, again, err)
			}
		}
	})
}
