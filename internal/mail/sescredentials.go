package mail

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
)

// errNoCredentials is wrapped by the error of a sesKeys.
var errNoCredentials = errors.New("no AWS credentials")

// sesKeys tells a failure to get credentials from others.
type sesKeys struct{ source aws.CredentialsProvider }

// Retrieve implements [aws.CredentialsProvider].
func (k sesKeys) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := k.source.Retrieve(ctx)
	if err != nil {
		return keys, fmt.Errorf("%w: %w", errNoCredentials, err)
	}
	return keys, nil
}

// sesCredentials returns where the credentials for SES come from: the key in c, else the chain of the AWS SDK, which
// operators know from all programs that use it. It reads AWS' environment variables and shared files, and asks for a role:
// of a Kubernetes service account, of a container, of an EC2 machine. Nothing but credentials is taken from there. No
// other part of the program besides package config reads the environment.
func sesCredentials(ctx context.Context, c SESConfig) (aws.CredentialsProvider, error) {
	if c.AccessKeyID != "" {
		return sesKeys{credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal())}, nil
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.Proxy = nil })
	chain, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.Region), config.WithHTTPClient(client), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, errors.New("AWS configuration: malformed") // the cause may quote it
	}
	return sesKeys{chain.Credentials}, nil
}
