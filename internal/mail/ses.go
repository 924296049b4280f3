package mail

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go/logging"

	"github.com/a64core/hub"
)

// SESConfig says how to reach Amazon SES.
type SESConfig struct {
	Region string
	URL    string // of the API; empty: that of the region

	AccessKeyID     string // empty: AWS' own chain of places is searched for credentials
	SecretAccessKey hub.Secret
	SessionToken    hub.Secret // empty: the key is no temporary one

	Web WebConfig
}

// SESSender hands messages to the v2 API of Amazon SES, as they would go over SMTP: what SES does not like in their
// headers it replaces (Date and Message-ID). It is safe for concurrent use.
type SESSender struct {
	config SESConfig
	// send is a method of the SDK's client. Held as a function, it lets the linker leave the client's hundred others out.
	send func(context.Context, *sesv2.SendEmailInput, ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error)
}

// NewSESSender returns a sender for the account that c describes. It does not connect yet. Without an access key it reads
// AWS' environment variables and files; its error says that one of those is malformed.
func NewSESSender(ctx context.Context, c SESConfig) (*SESSender, error) {
	credentials, err := sesCredentials(ctx, c)
	if err != nil {
		return nil, err
	}
	options := sesv2.Options{
		Region:      c.Region,
		Credentials: credentials,
		HTTPClient:  newWebClient(c.Web),
		Retryer:     aws.NopRetryer{}, // the queue tries again
		Logger:      logging.Nop{},
	}
	if c.URL != "" {
		options.BaseEndpoint = aws.String(c.URL)
	}
	return &SESSender{config: c, send: sesv2.New(options).SendEmail}, nil
}

// String names the service.
func (s *SESSender) String() string { return "Amazon SES in " + s.config.Region }

// Send implements Sender. It returns nil exactly if SES accepted the message. The error wraps ErrPermanent if SES refused
// this message for good, but not if it refused us, such as for a wrong key or a sender it does not know.
func (s *SESSender) Send(ctx context.Context, m Message) error {
	content, err := m.mime()
	if err != nil {
		return fmt.Errorf("encode message: %w: %w", err, ErrPermanent)
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Web.sendTimeout())
	defer cancel()
	answer, err := s.send(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(m.From.Address),
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Raw: &types.RawMessage{Data: content}},
	})
	if err == nil && aws.ToString(answer.MessageId) == "" {
		err = errNotSES
	}
	if err != nil {
		return sesFailure(ctx, err)
	}
	return nil
}

// errNotSES is an answer that says yes as SES would not.
var errNotSES = errors.New("answered, but not as SES does")
