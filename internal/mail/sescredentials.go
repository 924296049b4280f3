package mail

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/a64core/hub"
)

// SESRole says how to get the credentials of the role that AWS gave the place where the program runs. The zero value: from the
// metadata service of the EC2 machine.
type SESRole struct {
	ARN, TokenFile, Session string // of a Kubernetes service account, whose token stands in the file
	STSURL                  string // of the service that takes such tokens; empty: that of the region

	AgentURL       string // of what answers in an ECS task, or in an EKS pod that has an identity
	AgentToken     hub.Secret
	AgentTokenFile string // beats AgentToken
}

// renewal is how long before their end credentials are renewed.
const renewal = 5 * time.Minute

// sesCredentials returns credentials for SES. Held as a function, they do not show when a sender is printed.
type sesCredentials func(context.Context) (aws.Credentials, error)

// newSESCredentials returns where the credentials for SES come from: the key in c, else its role. It is the chain of AWS' SDK without
// what a server hardly ever has (profiles in files, SSO), which would bring the clients of four more services along.
func newSESCredentials(c SESConfig, client *http.Client) (sesCredentials, error) {
	var source aws.CredentialsProvider
	switch role := c.Role; {
	case c.AccessKeyID != "":
		return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()).Retrieve, nil
	case role.TokenFile != "":
		source = serviceAccountRole(role, c.Region, client)
	case role.AgentURL != "":
		if !mayGiveCredentials(role.AgentURL) {
			return nil, errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI: neither https, nor this machine, nor an agent of AWS")
		}
		source = containerRole(role, client)
	default:
		source = machineRole()
	}
	return aws.NewCredentialsCache(source, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewal }).Retrieve, nil
}

func serviceAccountRole(role SESRole, region string, client *http.Client) aws.CredentialsProvider {
	options := sts.Options{Region: region, HTTPClient: client, Logger: logging.Nop{}}
	if role.STSURL != "" {
		options.BaseEndpoint = aws.String(role.STSURL)
	}
	return stscreds.NewWebIdentityRoleProvider(assumeRole(sts.New(options).AssumeRoleWithWebIdentity), role.ARN, stscreds.IdentityTokenFile(role.TokenFile),
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = role.Session })
}

// assumeRole is a method of the SDK's client. Held as a function, it lets the linker leave the client's others out.
type assumeRole func(context.Context, *sts.AssumeRoleWithWebIdentityInput, ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error)

// AssumeRoleWithWebIdentity implements [stscreds.AssumeRoleWithWebIdentityAPIClient].
func (f assumeRole) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, o ...func(*sts.Options)) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	return f(ctx, in, o...)
}

func containerRole(role SESRole, client *http.Client) aws.CredentialsProvider {
	return endpointcreds.New(role.AgentURL, func(o *endpointcreds.Options) {
		o.HTTPClient = client
		o.AuthorizationToken = role.AgentToken.Reveal()
		if role.AgentTokenFile != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) { // it is written anew every so often
				token, err := os.ReadFile(role.AgentTokenFile)
				return string(token), err
			})
		}
	})
}

// mayGiveCredentials reports whether an agent's address is one that the token for it may be sent to: by TLS, or where only this
// machine or AWS itself listens, of ECS, and of EKS.
func mayGiveCredentials(agent string) bool {
	u, err := url.Parse(agent)
	if err != nil || u.Host == "" {
		return false
	}
	switch {
	case u.Scheme == "https":
		return true
	case u.Scheme != "http":
		return false
	case u.Hostname() == "localhost":
		return true
	}
	address, err := netip.ParseAddr(u.Hostname())
	return err == nil && (address.IsLoopback() || slices.Contains([]string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}, address.String()))
}

// machineRole asks the metadata service with a client of the SDK, which waits only briefly where there is none, but by no proxy.
func machineRole() aws.CredentialsProvider {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.Proxy = nil })
	return ec2rolecreds.New(func(o *ec2rolecreds.Options) {
		o.Client = imds.New(imds.Options{HTTPClient: client, Logger: logging.Nop{}})
	})
}
