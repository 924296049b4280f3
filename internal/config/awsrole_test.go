package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func TestAWSRoleIsReadFromTheEnvironmentAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		environment map[string]string
		want        AWSRole
	}{
		{"nowhere", nil, AWSRole{}},
		{"pod with a service account", map[string]string{
			"AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_SESSION_NAME": "hub", "AWS_ENDPOINT_URL_STS": "https://sts",
		}, AWSRole{ARN: "arn", TokenFile: "/token", Session: "hub", STSURL: "https://sts"}},
		{"pod with an identity", map[string]string{
			"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
		}, AWSRole{AgentURL: "http://169.254.170.23/v1/credentials", AgentTokenFile: "/token"}},
		{"task", map[string]string{
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
			"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1",
		}, AWSRole{AgentURL: "http://169.254.170.2/v2/credentials/1", AgentToken: hub.NewSecret("token")}},
	} {
		got := Source{Lookup: func(name string) (string, bool) { value, ok := tt.environment[name]; return value, ok }}.awsRole()
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b hub.Secret) bool { return a.Reveal() == b.Reveal() })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
