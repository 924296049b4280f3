package mail

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/a64core/hub"
)

// SendGridConfig says how to reach SendGrid.
type SendGridConfig struct {
	URL string // of the API, without the path; empty: https://api.sendgrid.com
	Key hub.Secret
	Web WebConfig
}

// SendGridSender hands messages to SendGrid's v3 API. It is safe for concurrent use.
type SendGridSender struct {
	config SendGridConfig
	client *http.Client
}

// NewSendGridSender returns a sender for the account that c describes. It does not connect yet.
func NewSendGridSender(c SendGridConfig) *SendGridSender {
	c.URL = strings.TrimRight(cmp.Or(c.URL, "https://api.sendgrid.com"), "/")
	return &SendGridSender{config: c, client: newWebClient(c.Web)}
}

// String names the service.
func (s *SendGridSender) String() string {
	if u, err := url.Parse(s.config.URL); err == nil {
		return "SendGrid at " + u.Host
	}
	return "SendGrid"
}

// Send implements Sender. It returns nil exactly if SendGrid accepted the message. The error wraps ErrPermanent if
// SendGrid refused this message for good, but not if it refused us, such as for a wrong key or a sender it does not know.
func (s *SendGridSender) Send(ctx context.Context, m Message) error {
	body, err := sendGridBody(m)
	if err != nil {
		return fmt.Errorf("encode message: %w: %w", err, ErrPermanent)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Web.sendTimeout())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL+"/v3/mail/send", bytes.NewReader(body))
	if err != nil {
		return &failure{text: "sendgrid: malformed URL"} // the cause quotes it
	}
	request.Header.Set("Authorization", "Bearer "+s.config.Key.Reveal())
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "a64core")
	response, err := s.client.Do(request)
	if err != nil {
		return &failure{text: "sendgrid: " + networkReason(ctx, err)}
	}
	defer func() { _ = response.Body.Close() }() // the status has said it all
	if response.StatusCode == http.StatusAccepted {
		return nil
	}
	return sendGridFailure(response)
}

// sendGridRequest is the body of POST /v3/mail/send, as far as we use it.
type sendGridRequest struct {
	Personalizations []sendGridEnvelope        `json:"personalizations"`
	From             sendGridAddress           `json:"from"`
	Subject          string                    `json:"subject"`
	Content          []sendGridContent         `json:"content"`
	Headers          map[string]string         `json:"headers"`
	MailSettings     map[string]sendGridSwitch `json:"mail_settings"`
	TrackingSettings map[string]sendGridSwitch `json:"tracking_settings"`
}

type sendGridEnvelope struct {
	To []sendGridAddress `json:"to"`
}

type sendGridAddress struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type sendGridContent struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type sendGridSwitch struct {
	Enable     bool  `json:"enable"`
	EnableText *bool `json:"enable_text,omitempty"`
}

// sendGridBody returns the request for a message. Every kind of tracking is switched off, whatever the account says:
// tracked clicks go by a server of SendGrid's, which would learn the tokens in our links. Somebody who unsubscribed from
// the account's newsletters still gets our mails, which they or the safety of their account asked for. Date and
// Message-ID: the former is SendGrid's, the latter ours.
func sendGridBody(m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if strings.ContainsFunc(m.Subject, unicode.IsControl) {
		return nil, errors.New("malformed subject")
	}
	headers := quiet()
	headers["Message-ID"] = "<" + m.ID + ">"
	off, never := false, sendGridSwitch{}
	return json.Marshal(sendGridRequest{
		Personalizations: []sendGridEnvelope{{To: []sendGridAddress{{Email: m.To}}}},
		From:             sendGridAddress{Email: m.From.Address, Name: m.From.Name},
		Subject:          m.Subject,
		Content:          []sendGridContent{{"text/plain", m.Text.Reveal()}, {"text/html", m.HTML.Reveal()}},
		Headers:          headers,
		MailSettings:     map[string]sendGridSwitch{"bypass_unsubscribe_management": {Enable: true}},
		TrackingSettings: map[string]sendGridSwitch{
			"click_tracking": {EnableText: &off}, "open_tracking": never, "subscription_tracking": never, "ganalytics": never,
		},
	})
}
