package mail

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
)

// inAnHour is when credentials end that need no renewal.
func inAnHour() string { return time.Now().Add(time.Hour).UTC().Format(time.RFC3339) }

// agentSays answers as the agents of ECS and EKS do.
func agentSays(end string) http.HandlerFunc {
	return says(200, fmt.Sprintf(`{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`, canaryID, canaryKey, canarySession, end))
}

// sendAs sends mails in a role, and checks that they are signed with its credentials.
func sendAs(t *testing.T, role SESRole, mails int) {
	t.Helper()
	service := startService(t, false, serviceAccepts)
	sender, err := NewSESSender(SESConfig{Region: "eu-west-1", URL: service.url, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	for range mails {
		if err := sender.Send(t.Context(), message()); err != nil {
			t.Fatal(err, Words(err).Reveal())
		}
	}
	for _, r := range service.asked() {
		checkSignature(t, r)
	}
}

// tokenFile returns a file that holds a token.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A role of a container: of an ECS task, or of a pod on EKS.
func TestSESUsesTheRoleOfItsContainer(t *testing.T) {
	t.Parallel()
	for name, role := range map[string]SESRole{
		"token":          {AgentToken: hub.NewSecret("pod-token")},
		"file":           {AgentTokenFile: tokenFile(t, "pod-token")},
		"file and token": {AgentToken: hub.NewSecret("old"), AgentTokenFile: tokenFile(t, "pod-token")},
	} {
		agent := startService(t, false, agentSays(inAnHour()))
		role.AgentURL = agent.url + "/v1/credentials"
		sendAs(t, role, 2)
		if got := agent.asked(); len(got) != 1 || got[0].Header.Get("Authorization") != "pod-token" || got[0].Path != "/v1/credentials" {
			t.Errorf("%s: the agent was asked %v", name, got)
		}
	}
}

func TestSESRenewsCredentialsBeforeTheirEnd(t *testing.T) {
	t.Parallel()
	agent := startService(t, false, agentSays(time.Now().Add(renewal-time.Minute).UTC().Format(time.RFC3339)))
	sendAs(t, SESRole{AgentURL: agent.url}, 2)
	if n := len(agent.asked()); n != 2 {
		t.Errorf("the agent was asked %d times for two mails", n)
	}
}

// A role of a Kubernetes service account, as EKS gives it to a pod: the security token service takes the account's token.
func TestSESUsesTheRoleOfItsServiceAccount(t *testing.T) {
	t.Parallel()
	service := startService(t, false, says(200, fmt.Sprintf(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>
  <SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`, canaryID, canaryKey, canarySession, inAnHour()), "Content-Type", "text/xml"))
	sendAs(t, SESRole{
		ARN: "arn:aws:iam::1:role/mailer", TokenFile: tokenFile(t, "account-token"), Session: "hub", STSURL: service.url,
		AgentURL: unused(t), // comes after it
	}, 2)
	got := service.asked()
	if len(got) != 1 {
		t.Fatalf("asked %d times", len(got))
	}
	form, err := url.ParseQuery(string(got[0].Body))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Action": "AssumeRoleWithWebIdentity", "RoleArn": "arn:aws:iam::1:role/mailer", "RoleSessionName": "hub", "WebIdentityToken": "account-token",
	} {
		if form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, form.Get(name), want)
		}
	}
	if got[0].Header.Get("Authorization") != "" {
		t.Error("the request is signed, with nothing to sign it by")
	}
}

// A role of an EC2 machine, from its metadata service in version 2. The SDK reads the service's address from the environment.
func TestSESUsesTheRoleOfItsMachine(t *testing.T) {
	service := startService(t, false, func(w http.ResponseWriter, r *http.Request) {
		const roles = "/latest/meta-data/iam/security-credentials/"
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			says(200, "session", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")(w, r)
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != "session":
			says(401, "")(w, r)
		case r.URL.Path == roles:
			says(200, "mailer")(w, r)
		case r.URL.Path == roles+"mailer":
			says(200, fmt.Sprintf(`{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`, canaryID, canaryKey, canarySession, inAnHour()))(w, r)
		default:
			says(404, "")(w, r)
		}
	})
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
	sendAs(t, SESRole{}, 2)
	if n := len(service.asked()); n != 3 {
		t.Errorf("the metadata service was asked %d times", n)
	}
}

func TestSESNeedsCredentials(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	refuses := startService(t, false, says(403, `{"code":"AccessDenied","message":"no"}`, "Content-Type", "application/json"))
	for name, role := range map[string]SESRole{
		"no role": {}, "no token": {ARN: "arn:aws:iam::1:role/mailer", TokenFile: "/nowhere"}, "refused": {AgentURL: refuses.url},
		"token of two lines": {AgentURL: refuses.url, AgentToken: hub.NewSecret("a\r\nb: c")},
	} {
		service := startService(t, false, serviceAccepts)
		sender, err := NewSESSender(SESConfig{Region: "eu-west-1", URL: service.url, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		if err := sender.Send(t.Context(), message()); err == nil || err.Error() != "ses: no AWS credentials" || Words(err).IsZero() || len(service.asked()) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The key of the settings comes before whatever else there is.
func TestSESPrefersItsKey(t *testing.T) {
	t.Parallel()
	agent, service := startService(t, false, agentSays(inAnHour())), startService(t, false, serviceAccepts)
	sender, err := NewSESSender(SESConfig{
		Region: "eu-west-1", URL: service.url, AccessKeyID: canaryID, SecretAccessKey: hub.NewSecret(canaryKey), SessionToken: hub.NewSecret(canarySession),
		Role: SESRole{AgentURL: agent.url},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), message()); err != nil || len(agent.asked()) != 0 {
		t.Errorf("got %v, and the agent was asked %v", err, agent.asked())
	}
	checkSignature(t, service.asked()[0])
}

// The token for an agent goes nowhere that others may listen.
func TestSESAsksOnlyAgentsThatMayGiveCredentials(t *testing.T) {
	t.Parallel()
	for _, agent := range []string{
		"https://agent.example.com/x", "http://127.0.0.1:9/x", "http://[::1]/x", "http://localhost:9", "http://169.254.170.2/v2", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1",
	} {
		if _, err := NewSESSender(SESConfig{Region: "eu-west-1", Role: SESRole{AgentURL: agent}}); err != nil {
			t.Errorf("%s: %v", agent, err)
		}
	}
	for _, agent := range []string{"http://agent.example.com/x", "http://10.0.0.1/x", "http://169.254.169.254/x", "http://localhost.example.com", "ftp://127.0.0.1", "127.0.0.1", "/x", "http://", "%"} {
		_, err := NewSESSender(SESConfig{Region: "eu-west-1", Role: SESRole{AgentURL: agent}})
		if err == nil || !strings.HasPrefix(err.Error(), "AWS_CONTAINER_CREDENTIALS_FULL_URI: ") {
			t.Errorf("%s: %v", agent, err)
		}
	}
}
