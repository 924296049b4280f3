package mail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/a64core/hub"
)

// SESConfig says how to reach Amazon SES.
type SESConfig struct {
	Region string
	URL    string // of the API; empty: that of the region

	AccessKeyID     string // empty: the credentials of Role are used
	SecretAccessKey hub.Secret
	SessionToken    hub.Secret // empty: the key is no temporary one

	Role SESRole
	Web  WebConfig
}

// SESSender hands messages to the v2 API of Amazon SES, as they would go over SMTP: what SES does not like in their
// headers it replaces (Date and Message-ID). It is safe for concurrent use.
//
// Of AWS' SDK it has the signatures and what finds credentials. The SDK's client of SES, with all its operations, would take
// more of the program than anything else about mail.
type SESSender struct {
	config      SESConfig
	client      *http.Client
	credentials sesCredentials
	signer      *v4.Signer
}

// NewSESSender returns a sender for the account that c describes. It does not connect yet. Its error says that the role's agent
// is nowhere that credentials may come from.
func NewSESSender(c SESConfig) (*SESSender, error) {
	client := newWebClient(c.Web)
	credentials, err := newSESCredentials(c, client)
	if err != nil {
		return nil, err
	}
	c.URL = strings.TrimRight(cmp.Or(c.URL, sesURL(c.Region)), "/")
	return &SESSender{config: c, client: client, credentials: credentials, signer: v4.NewSigner()}, nil
}

// sesURL returns where SES is in a region.
func sesURL(region string) string {
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	return "https://email." + region + "." + domain
}

// String names the service.
func (s *SESSender) String() string { return "Amazon SES in " + s.config.Region }

// Send implements Sender. It returns nil exactly if SES accepted the message. The error wraps ErrPermanent if SES refused
// this message for good, but not if it refused us, such as for a wrong key or a sender it does not know.
func (s *SESSender) Send(ctx context.Context, m Message) error {
	body, err := sesBody(m)
	if err != nil {
		return fmt.Errorf("encode message: %w: %w", err, ErrPermanent)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Web.sendTimeout())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL+"/v2/email/outbound-emails", bytes.NewReader(body))
	if err != nil {
		return &failure{text: "ses: malformed URL"} // the cause quotes it
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "a64core")
	if err := s.sign(ctx, request, body); err != nil {
		return &failure{text: "ses: no AWS credentials", words: wordsOf(err.Error())}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return &failure{text: "ses: " + networkReason(ctx, err)}
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return sesFailure(response)
	}
	return sesAccepted(ctx, response)
}

// sign signs a request by AWS Signature Version 4.
func (s *SESSender) sign(ctx context.Context, request *http.Request, body []byte) error {
	keys, err := s.credentials(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return s.signer.SignHTTP(ctx, keys, request, hex.EncodeToString(sum[:]), "ses", s.config.Region, time.Now())
}

// sesRequest is the body of POST /v2/email/outbound-emails, as far as we use it.
type sesRequest struct {
	FromEmailAddress string
	Destination      sesDestination
	Content          sesContent
}

type sesDestination struct{ ToAddresses []string }

type sesContent struct{ Raw sesMessage }

type sesMessage struct{ Data []byte } // in MIME

func sesBody(m Message) ([]byte, error) {
	content, err := m.mime()
	if err != nil {
		return nil, err
	}
	return json.Marshal(sesRequest{
		FromEmailAddress: m.From.Address,
		Destination:      sesDestination{ToAddresses: []string{m.To}},
		Content:          sesContent{Raw: sesMessage{Data: content}},
	})
}

// sesAccepted returns an error unless an answer names the message, as only SES does.
func sesAccepted(ctx context.Context, response *http.Response) error {
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return &failure{text: "ses: " + networkReason(ctx, err) + " in the middle of the answer"}
	}
	var answer struct{ MessageID string } // any case will do
	if err := json.Unmarshal(text, &answer); err != nil || answer.MessageID == "" {
		return &failure{text: "ses: answered, but not as SES does"}
	}
	return nil
}
