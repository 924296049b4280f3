package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/a64core/hub/internal/config"
)

// mailSettings returns settings for a driver, with more besides.
func mailSettings(driver string, more map[string]string) map[string]string {
	env := map[string]string{"MAIL_DRIVER": driver, "MAIL_FROM": "hub@example.com", "APP_NAME": "Hub"}
	maps.Copy(env, more)
	return env
}

// startMailService answers every request the same, and returns its URL and the last body it got.
func startMailService(t *testing.T, status int, answer string) (url string, body func() string) {
	t.Helper()
	got := make(chan string, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- string(text)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() string { return <-got }
}

func TestMailTestSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	ok, _ := startMailService(t, 202, "")
	sesOK, _ := startMailService(t, 200, `{"MessageId":"1"}`)
	refuses, _ := startMailService(t, 403, `{"errors":[{"message":"The from address hub@example.com is \u001b[2Jnobody's","field":"from"}]}`)
	const key = "SG.CANARY"
	sendGrid := func(url string) map[string]string {
		return mailSettings("sendgrid", map[string]string{"SENDGRID_API_KEY": key, "SENDGRID_URL": url})
	}
	host := func(url string) string { return strings.TrimPrefix(strings.TrimPrefix(url, "http://"), "smtp://") }
	smtp := startMailServer(t, -1)
	t.Cleanup(func() {
		if n := smtp.counts()["ada@example.com /verify-email"]; n != 2 { // the page is what the server assumes
			t.Errorf("the mail server took %d mails", n)
		}
	})
	for _, tt := range []struct {
		name           string
		env            map[string]string
		want           mailTestView
		stdout, stderr string // parts of what is written without --json
	}{
		{"log", map[string]string{}, mailTestView{Outcome: mailLogged, Driver: config.MailLog, Via: "the log"}, "sent to nobody", "mail not sent but logged"},
		{
			"smtp", mailSettings("smtp", map[string]string{"SMTP_URL": smtp.url}),
			mailTestView{Outcome: mailAccepted, Driver: config.MailSMTP, Via: "the mail server " + host(smtp.url)},
			"Accepted by the mail server 127.0.0.1:", "",
		},
		{"sendgrid", sendGrid(ok), mailTestView{Outcome: mailAccepted, Driver: config.MailSendGrid, Via: "SendGrid at " + host(ok)}, "Accepted by SendGrid", ""},
		{
			"ses", mailSettings("ses", map[string]string{"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": key, "SES_URL": sesOK}),
			mailTestView{Outcome: mailAccepted, Driver: config.MailSES, Via: "Amazon SES in eu-central-1"},
			"Accepted by Amazon SES in eu-central-1", "",
		},
		{
			"refused", sendGrid(refuses), mailTestView{
				Outcome: mailFailed, Driver: config.MailSendGrid, Via: "SendGrid at " + host(refuses), Reason: "sendgrid: refused with 403 at from",
				Said: "The from address hub@example.com is \x1b[2Jnobody's",
			}, "", `it said: "The from address hub@example.com is \x1b[2Jnobody's"`,
		},
		{
			"nobody there", sendGrid("http://127.0.0.1:1"),
			mailTestView{Outcome: mailFailed, Driver: config.MailSendGrid, Via: "SendGrid at 127.0.0.1:1", Reason: "sendgrid: connection refused"},
			"", "connection refused",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code := exitOK
			if tt.want.Outcome == mailFailed {
				code = exitFailure
			}
			got := try(t, tt.env, "mail", "test", "--to", "Ada@Example.com", "--json")
			var view mailTestView
			if err := json.Unmarshal([]byte(got.stdout), &view); err != nil || got.code != code {
				t.Fatalf("%d, %v: %s%s", got.code, err, got.stdout, got.stderr)
			}
			tt.want.To = "ada@example.com"
			if diff := cmp.Diff(tt.want, view, cmpopts.IgnoreFields(mailTestView{}, "MessageID")); diff != "" || view.MessageID == "" {
				t.Errorf("message id %q (-want +got):\n%s", view.MessageID, diff)
			}
			plain := try(t, tt.env, "mail", "test", "--to", "ada@example.com")
			if plain.code != code || !fits(plain.stdout, tt.stdout) || !fits(plain.stderr, tt.stderr) {
				t.Errorf("%d\n%s%s", plain.code, plain.stdout, plain.stderr)
			}
			if all := got.stdout + got.stderr + plain.stdout + plain.stderr; strings.Contains(all, "CANARY") || strings.Contains(plain.stderr, "\x1b") {
				t.Errorf("shows what it must not: %q", all)
			}
		})
	}
}

func TestMailTestSpeaksTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	url, body := startMailService(t, 202, "")
	env := mailSettings("sendgrid", map[string]string{"SENDGRID_API_KEY": "k", "SENDGRID_URL": url})
	for locale, want := range map[string]string{"de-AT": "Hub: eine Testmail", "en": "Hub: a test mail", "xx": "Hub: a test mail"} {
		if got := try(t, env, "mail", "test", "--to=ada@example.com", "--locale", locale); got.code != exitOK {
			t.Fatalf("%+v", got)
		}
		if text := body(); !strings.Contains(text, want) {
			t.Errorf("%s: %s", locale, text)
		}
	}
}

func TestMailTestRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		code int
		want string
	}{
		{"no address", nil, nil, exitUsage, "--to"},
		{"two addresses", nil, []string{"--to=a@example.com,b@example.com"}, exitFailure, "the e-mail address "},
		{"no key", mailSettings("sendgrid", nil), []string{"--to=a@example.com"}, exitFailure, "SENDGRID_API_KEY: is needed for MAIL_DRIVER=sendgrid"},
		{"no region", mailSettings("ses", nil), []string{"--to=a@example.com"}, exitFailure, "AWS_REGION: is needed for MAIL_DRIVER=ses"},
		{"options of a mail server", mailSettings("smtp", map[string]string{"SMTP_URL": "smtp://h?tls=maybe"}), []string{"--to=a@example.com"}, exitFailure, "SMTP_URL: "},
	} {
		if got := try(t, tt.env, append([]string{"mail", "test"}, tt.args...)...); got.code != tt.code || got.stdout != "" || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
