package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func newSendGrid(url string) *SendGridSender {
	return NewSendGridSender(SendGridConfig{URL: url, Key: hub.NewSecret(canaryKey)})
}

// EML-17, EML-23
func TestR30_SendGridGetsExactlyThisRequest(t *testing.T) {
	t.Parallel()
	service := startService(t, false, serviceAccepts)
	m := message()
	m.Text, m.HTML = hub.NewSecret("Grüße <b> & {{x}}\n"), hub.NewSecret("<p>Grüße &amp; ein Link</p>\n")
	if err := newSendGrid(service.url+"/").Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := service.asked()
	if len(got) != 1 {
		t.Fatalf("asked %d times", len(got))
	}
	if got[0].Method != http.MethodPost || got[0].Path != "/v3/mail/send" {
		t.Errorf("%s %s", got[0].Method, got[0].Path)
	}
	wantHeader := http.Header{
		"Authorization": {"Bearer " + canaryKey}, "Content-Type": {"application/json"}, "User-Agent": {"a64core"},
		"Content-Length": {fmt.Sprint(len(got[0].Body))},
	}
	if diff := cmp.Diff(wantHeader, got[0].Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	want := `{
		"personalizations": [{"to": [{"email": "ada@example.com"}]}],
		"from": {"email": "hub@example.com", "name": "Hub"},
		"subject": "Grüße",
		"content": [
			{"type": "text/plain", "value": "Grüße <b> & {{x}}\n"},
			{"type": "text/html", "value": "<p>Grüße &amp; ein Link</p>\n"}
		],
		"headers": {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Message-ID": "<1.1@example.com>"},
		"mail_settings": {"bypass_unsubscribe_management": {"enable": true}},
		"tracking_settings": {
			"click_tracking": {"enable": false, "enable_text": false}, "open_tracking": {"enable": false},
			"subscription_tracking": {"enable": false}, "ganalytics": {"enable": false}
		}
	}`
	if diff := cmp.Diff(fromJSON(t, want), fromJSON(t, string(got[0].Body))); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func fromJSON(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Accepted is accepted, whatever becomes of the rest of the answer.
func TestSendGridAcceptedIsSentWhateverFollows(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"body that never ends": stalls(202), "cut": cuts("HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{"),
	} {
		if err := newSendGrid(startService(t, false, answer).url).Send(t.Context(), message()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSendGridRefusals(t *testing.T) {
	t.Parallel()
	at := func(field string) string {
		return fmt.Sprintf(`{"errors":[{"message":"ada@example.com: no","field":%s}]}`, field)
	}
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		headers []string
		want    string
		dead    bool
		pause   time.Duration
		words   string
	}{
		{name: "recipient", status: 400, body: at(`"personalizations.0.to.0.email"`), want: "sendgrid: refused with 400 at personalizations.0.to.0.email", dead: true, words: "ada@example.com: no"},
		{name: "content", status: 400, body: at(`"content.1.value"`), want: "sendgrid: refused with 400 at content.1.value", dead: true, words: "ada@example.com: no"},
		{name: "no field", status: 400, body: at("null"), want: "sendgrid: refused with 400", dead: true, words: "ada@example.com: no"},
		{name: "field of somebody's choice", status: 400, body: at(`"ada@example.com"`), want: "sendgrid: refused with 400", dead: true, words: "ada@example.com: no"},
		{name: "sender", status: 400, body: at(`"from.email"`), want: "sendgrid: refused with 400 at from.email", words: "ada@example.com: no"},
		{
			name: "sender and recipient", status: 400, want: "sendgrid: refused with 400 at personalizations, from", words: "a; b",
			body: `{"errors":[{"message":"a","field":"personalizations"},{"message":"b","field":"from"}]}`,
		},
		{name: "not SendGrid", status: 400, body: "<html>Bad Request</html>", want: "sendgrid: refused with 400"},
		{name: "key", status: 401, body: at("null"), want: "sendgrid: refused with 401"},
		{name: "sender not verified", status: 403, body: at(`"from"`), want: "sendgrid: refused with 403 at from", words: "ada@example.com: no"},
		{name: "wrong URL", status: 404, want: "sendgrid: refused with 404"},
		{name: "wrong URL", status: 405, want: "sendgrid: refused with 405"},
		{name: "slow", status: 408, want: "sendgrid: refused with 408"},
		{name: "too large", status: 413, want: "sendgrid: refused with 413", dead: true},
		{name: "too many", status: 429, want: "sendgrid: refused with 429"},
		{name: "too many for long", status: 429, headers: []string{"Retry-After", "120"}, want: "sendgrid: refused with 429", pause: 2 * time.Minute},
		{name: "too many until", status: 429, headers: []string{"X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix())}, want: "sendgrid: refused with 429", pause: time.Hour},
		{name: "fine, but until", status: 500, headers: []string{"X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix())}, want: "sendgrid: refused with 500"},
		{name: "down", status: 503, headers: []string{"Retry-After", "30"}, want: "sendgrid: refused with 503", pause: 30 * time.Second},
		{name: "sandbox", status: 200, want: "sendgrid: refused with 200"}, // "valid, but not queued to be delivered"
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.name), func(t *testing.T) {
			t.Parallel()
			service := startService(t, false, says(tt.status, tt.body, tt.headers...))
			checkFailure(t, newSendGrid(service.url).Send(t.Context(), message()), tt.want, tt.dead, tt.pause, tt.words)
		})
	}
}

// checkFailure compares an error with what it should be; a pause may have begun some time ago.
func checkFailure(t *testing.T, err error, want string, dead bool, pause time.Duration, words string) {
	t.Helper()
	if dead {
		want += ": " + ErrPermanent.Error()
	}
	if err == nil || err.Error() != want || errors.Is(err, ErrPermanent) != dead {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := pauseOf(err); got > pause || got < pause-20*time.Second {
		t.Errorf("pause %v, want %v", got, pause)
	}
	if got := Words(err).Reveal(); got != words {
		t.Errorf("words %q, want %q", got, words)
	}
}
