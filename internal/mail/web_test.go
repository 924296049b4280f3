package mail

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// What goes wrong on the way is tried again, says what it was, and ends in time.
func TestServiceOutOfReach(t *testing.T) {
	t.Parallel()
	for name, newSender := range drivers() {
		for _, tt := range []struct {
			name   string
			answer http.HandlerFunc
			tls    bool
			change func(url *string, c *WebConfig)
			want   string
		}{
			{name: "silent", answer: hangs, change: func(_ *string, c *WebConfig) { c.SendTimeout = brief }, want: "timed out"},
			{name: "stalls in a refusal", answer: stalls(500), change: func(_ *string, c *WebConfig) { c.SendTimeout = 3 * time.Second }, want: "refused with 500"},
			{name: "closes at once", answer: cuts(""), want: "connection closed"},
			{name: "closes in the status", answer: cuts("HTTP/1.1 20"), want: "failed"},
			{name: "closes in a refusal", answer: cuts("HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\n{"), want: "refused with 500"},
			{name: "nobody listens", change: func(url *string, _ *WebConfig) { *url = unused(t) }, want: "connection refused"},
			{name: "no such host", change: func(url *string, _ *WebConfig) { *url = "https://host.invalid" }, want: "host not found"},
			{name: "untrusted", tls: true, change: func(_ *string, c *WebConfig) { c.RootCAs = x509.NewCertPool() }, want: "certificate not trusted"},
			{name: "of another name", tls: true, change: func(url *string, _ *WebConfig) { *url = strings.Replace(*url, "127.0.0.1", "localhost", 1) }, want: "certificate not trusted"},
			{name: "no TLS", change: func(url *string, _ *WebConfig) { *url = strings.Replace(*url, "http:", "https:", 1) }, want: "failed"},
			{name: "redirects", answer: says(307, "", "Location", "http://127.0.0.1:1/"), want: "refused with 307"},
			{name: "redirects for good", answer: says(301, "", "Location", "http://127.0.0.1:1/"), want: "refused with 301"},
		} {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				if tt.answer == nil {
					tt.answer = says(202, `{"MessageId":"1"}`)
				}
				service := startService(t, tt.tls, tt.answer)
				url, web := service.url, WebConfig{RootCAs: service.roots}
				if tt.change != nil {
					tt.change(&url, &web)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := newSender(t, url, web).Send(ctx, message())
				if err == nil || !strings.HasPrefix(err.Error(), name+": "+tt.want) || errors.Is(err, ErrPermanent) || ctx.Err() != nil {
					t.Errorf("got %v, want %s: %s", err, name, tt.want)
				}
			})
		}
	}
}

// A key, a link or a whole mail must not go where a redirection points.
func TestServiceRedirectionIsNotFollowed(t *testing.T) {
	t.Parallel()
	for name, newSender := range drivers() {
		thief := startService(t, false, says(202, `{"MessageId":"1"}`))
		for _, status := range []int{301, 302, 303, 307, 308} {
			service := startService(t, false, says(status, "", "Location", thief.url+"/v3/mail/send"))
			if err := newSender(t, service.url, WebConfig{}).Send(t.Context(), message()); err == nil {
				t.Errorf("%s: %d taken for success", name, status)
			}
		}
		if n := len(thief.asked()); n != 0 {
			t.Errorf("%s: followed %d redirections", name, n)
		}
	}
}

func TestServiceOverTLS(t *testing.T) {
	t.Parallel()
	for name, newSender := range drivers() {
		service := startService(t, true, serviceAccepts)
		sender := newSender(t, service.url, WebConfig{RootCAs: service.roots})
		for range 2 {
			if err := sender.Send(t.Context(), message()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(service.asked()); n != 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

// serviceAccepts says yes as each service does.
func serviceAccepts(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v3/mail/send" {
		says(http.StatusAccepted, "", "X-Message-Id", "1")(w, r)
		return
	}
	says(http.StatusOK, `{"MessageId":"0100-1"}`, "Content-Type", "application/json")(w, r)
}

func TestServiceStopsWhenCanceled(t *testing.T) {
	t.Parallel()
	for name, newSender := range drivers() {
		ctx, cancel := context.WithCancel(t.Context())
		service := startService(t, false, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			hangs(w, r)
		})
		if err := newSender(t, service.url, WebConfig{}).Send(ctx, message()); err == nil || err.Error() != name+": canceled" {
			t.Errorf("got %v", err)
		}
	}
}

// Whatever a service answers, however long, of it only what is known to be harmless shows in an error or a log.
func TestServiceAnswersAreBoundedAndShowNoSecret(t *testing.T) {
	t.Parallel()
	m := message()
	m.Link = hub.NewSecret("https://app.example.com/reset-password?token=s3cr3t")
	m.Text, m.HTML = m.Link, m.Link
	for name, newSender := range drivers() {
		for _, status := range []int{200, 204, 400, 401, 403, 404, 413, 429, 500, 503} {
			service := startService(t, false, func(w http.ResponseWriter, r *http.Request) {
				echo := fmt.Sprint(r.Header, " ada@example.com https://app.example.com/reset-password?token=s3cr3t ")
				echo = strings.ReplaceAll(echo, `"`, "")
				w.Header().Set("X-Amzn-ErrorType", echo)
				w.Header().Set("Retry-After", echo)
				w.WriteHeader(status)
				fmt.Fprintf(w, `{"errors":[{"message":%q,"field":%q}],"__type":%q,"message":%[1]q`, echo, echo, echo)
				filler := bytes.Repeat([]byte(" "), 1<<20)
				for range 200 {
					if _, err := w.Write(filler); err != nil {
						return // the client has had enough
					}
				}
				if status >= 400 {
					t.Errorf("%s: read 200 MB of an answer", name)
				}
			})
			sender := newSender(t, service.url, WebConfig{})
			err := sender.Send(t.Context(), m)
			if err == nil {
				t.Errorf("%s: %d taken for success", name, status)
				continue
			}
			var shown bytes.Buffer
			slog.New(slog.NewJSONHandler(&shown, nil)).Error("x", "error", err, "sender", sender, "words", Words(err))
			fmt.Fprintf(&shown, "%v %+v %#v %v %+v %#v", err, err, err, sender, sender, sender)
			for _, secret := range []string{"CANARY", "ada@", "s3cr3t"} {
				if strings.Contains(shown.String(), secret) {
					t.Errorf("%s, %d: shows %s: %s", name, status, secret, shown.String())
				}
			}
			if n := len(Words(err).Reveal()); n > maxWords {
				t.Errorf("%s: keeps %d bytes of words", name, n)
			}
		}
	}
}

func TestServiceClientUsesNoProxy(t *testing.T) {
	t.Parallel()
	bounded, ok := newWebClient(WebConfig{}).Transport.(boundedTransport)
	if !ok {
		t.Fatal("the client's answers are not bounded")
	}
	transport, ok := bounded.RoundTripper.(*http.Transport)
	if !ok || transport.Proxy != nil || transport.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("a proxy may be used, or certificates go unverified: %+v", bounded.RoundTripper)
	}
}

func TestServiceGetsNoMalformedMessage(t *testing.T) {
	t.Parallel()
	for name, newSender := range drivers() {
		service := startService(t, false, serviceAccepts)
		for _, change := range []func(*Message){
			func(m *Message) { m.To = "a@x.io, b@x.io" },
			func(m *Message) { m.To = "a@x.io\r\nBcc: b@x.io" },
			func(m *Message) { m.From.Address = "Hub <a@x.io>" },
			func(m *Message) { m.ID = "1@x.io>\r\nBcc: <b@x.io" },
		} {
			m := message()
			change(&m)
			if err := newSender(t, service.url, WebConfig{}).Send(t.Context(), m); !errors.Is(err, ErrPermanent) || strings.Contains(err.Error(), "x.io") {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if n := len(service.asked()); n != 0 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "30": 30 * time.Second, "-5": 0, "soon": 0, "1e9": 0, "99999999999999999999": 0, "1048575": 1048575 * time.Second,
		"Fri, 02 Jan 2026 12:01:30 GMT": 90 * time.Second, "Fri, 02 Jan 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, noon); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
