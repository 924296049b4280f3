package mail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/a64core/hub"
)

func TestParseSMTPURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]SMTPConfig{
		"smtp://mail.example.com":                   {Host: "mail.example.com", Port: 587, TLS: TLSStart},
		"smtp://mail.example.com/":                  {Host: "mail.example.com", Port: 587, TLS: TLSStart},
		"smtp://mail.example.com:25?tls=none":       {Host: "mail.example.com", Port: 25, TLS: TLSNone},
		"smtps://mail.example.com":                  {Host: "mail.example.com", Port: 465, TLS: TLSImplicit},
		"smtps://mail.example.com:4650":             {Host: "mail.example.com", Port: 4650, TLS: TLSImplicit},
		"smtp://localhost:1025":                     {Host: "localhost", Port: 1025, TLS: TLSNone},
		"smtp://127.0.0.1:1025?tls=starttls":        {Host: "127.0.0.1", Port: 1025, TLS: TLSStart},
		"smtp://[::1]:1025":                         {Host: "::1", Port: 1025, TLS: TLSNone},
		"smtp://u:p@localhost":                      {Host: "localhost", Port: 587, TLS: TLSNone, Username: "u", Password: hub.NewSecret("p")},
		"smtps://hub%40x.io:p%3As%2F%20@m.x.io":     {Host: "m.x.io", Port: 465, TLS: TLSImplicit, Username: "hub@x.io", Password: hub.NewSecret("p:s/ ")},
		"smtp://u:p@mail.example.com?tls=starttls":  {Host: "mail.example.com", Port: 587, TLS: TLSStart, Username: "u", Password: hub.NewSecret("p")},
		"smtp://localhost.example.com?tls=starttls": {Host: "localhost.example.com", Port: 587, TLS: TLSStart},
	} {
		got, err := ParseSMTPURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b hub.Secret) bool { return a == b }), cmpopts.IgnoreFields(SMTPConfig{}, "RootCAs")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	}
}

var badSMTPURLs = []string{
	"", "mail.example.com:587", "http://u:hunter2@x.io", "smtp://", "smtp://:587", "smtp://u:hunter2@", "smtp://u:hunter2@x.io:0",
	"smtp://u:hunter2@x.io:65536", "smtp://u:hunter2@x.io:port", "smtp://u:hunter2@x.io/path", "smtp://u:hunter2@x.io#f",
	"smtp://u:hunter2@x.io?tls=none", "smtp://u:hunter2@x.io?tls=maybe", "smtp://u:hunter2@x.io?tls=", "smtp://u:hunter2@x.io?TLS=none",
	"smtp://u:hunter2@x.io?tls=none&tls=starttls", "smtp://u:hunter2@x.io?tls=starttls&skip_verify=1", "smtp://u:hunter2@x.io?a=%zz",
	"smtps://u:hunter2@x.io?tls=none", "smtps://u:hunter2@x.io?tls=starttls", "smtp://u@x.io", "smtp://:hunter2@x.io", "smtp://u:@x.io",
	"smtp://u:hunter2%00@x.io", "smtp://u%0d%0a:hunter2@x.io", "smtp://u:hunter2@x.io%0d%0a", "smtp://u:hunter2 @x.io", "smtp://u:hunter2%@x.io",
}

func TestParseSMTPURLRefusesAndKeepsThePassword(t *testing.T) {
	t.Parallel()
	for _, raw := range badSMTPURLs {
		got, err := ParseSMTPURL(raw)
		if err == nil {
			t.Errorf("%s gave %+v", raw, got)
		} else if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "x.io") {
			t.Errorf("%s: the error repeats it: %v", raw, err)
		}
	}
	c, err := ParseSMTPURL("smtps://u:hunter2@x.io")
	if err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "hunter2") {
		t.Errorf("the configuration prints its password, or %v", err)
	}
}

func FuzzParseSMTPURL(f *testing.F) {
	f.Add("smtp://u:p@host:587?tls=starttls")
	f.Add("smtps://host")
	for _, raw := range badSMTPURLs {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := ParseSMTPURL(raw)
		if err != nil {
			return
		}
		if c.Host == "" || c.Port < 1 || c.Port > 65535 || c.TLS == "" {
			t.Errorf("%q gave %+v", raw, c)
		}
		if c.Username != "" && c.TLS == TLSNone && !isLoopback(c.Host) {
			t.Errorf("%q would send a password in the clear", raw)
		}
	})
}
