package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func newSES(t *testing.T, url string) Sender {
	t.Helper()
	return drivers()["ses"](t, url, WebConfig{})
}

// EML-17, EML-23
func TestR30_SESGetsExactlyThisRequest(t *testing.T) {
	t.Parallel()
	service := startService(t, false, serviceAccepts)
	m := message()
	if err := newSES(t, service.url).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := service.asked()
	if len(got) != 1 {
		t.Fatalf("asked %d times", len(got))
	}
	if got[0].Method != http.MethodPost || got[0].Path != "/v2/email/outbound-emails" || got[0].Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s %s", got[0].Method, got[0].Path, got[0].Header.Get("Content-Type"))
	}
	var body struct {
		Content          struct{ Raw struct{ Data []byte } }
		Destination      struct{ ToAddresses []string }
		FromEmailAddress string
	}
	decoder := json.NewDecoder(strings.NewReader(string(got[0].Body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.FromEmailAddress != "hub@example.com" || !slices.Equal(body.Destination.ToAddresses, []string{"ada@example.com"}) {
		t.Errorf("from %s to %v", body.FromEmailAddress, body.Destination.ToAddresses)
	}
	header, parts := readMIME(t, body.Content.Raw.Data)
	if diff := cmp.Diff(m.Text.Reveal(), parts["text/plain; charset=UTF-8"]); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if header.Get("Message-Id") != "<1.1@example.com>" || header.Get("Auto-Submitted") != "auto-generated" || len(header) != 9 {
		t.Errorf("header %v", header)
	}
	checkSignature(t, got[0])
}

// authorization is the form of the header (AWS Signature Version 4).
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$`)

// checkSignature computes the signature of a request anew, from what arrived and the key that both sides know.
func checkSignature(t *testing.T, r serviceRequest) {
	t.Helper()
	parts := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if parts == nil {
		t.Fatalf("authorization %q", r.Header.Get("Authorization"))
	}
	id, day, region, service, signed, signature := parts[1], parts[2], parts[3], parts[4], strings.Split(parts[5], ";"), parts[6]
	at := r.Header.Get("X-Amz-Date")
	if id != canaryID || region != "eu-west-1" || service != "ses" || !strings.HasPrefix(at, day) {
		t.Errorf("signed for %v at %s", parts[1:], at)
	}
	if r.Header.Get("X-Amz-Security-Token") != canarySession {
		t.Error("no session token")
	}
	for _, name := range []string{"host", "content-type", "content-length", "x-amz-date", "x-amz-security-token"} {
		if !slices.Contains(signed, name) {
			t.Errorf("%s is not signed", name)
		}
	}
	canonical := r.Method + "\n" + r.Path + "\n\n"
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + strings.TrimSpace(value) + "\n"
	}
	hash := func(text []byte) string { sum := sha256.Sum256(text); return hex.EncodeToString(sum[:]) }
	canonical += "\n" + strings.Join(signed, ";") + "\n" + hash(r.Body)
	scope := strings.Join([]string{day, region, service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + canaryKey)
	for _, part := range []string{day, region, service, "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if got := hex.EncodeToString(key); got != signature {
		t.Errorf("signature %s, want %s of\n%s", signature, got, canonical)
	}
}

func TestSESRefusals(t *testing.T) {
	t.Parallel()
	const words = "ada@example.com: no"
	for _, tt := range []struct {
		status int
		code   string
		said   string
		after  string
		dead   bool
		pause  time.Duration
		words  string
	}{
		{status: 400, code: "BadRequestException", said: words, dead: true, words: words},
		{status: 400, code: "MessageRejected", said: words, dead: true, words: words},
		{status: 400, code: "MessageRejected", said: "Email address is not verified. ...: hub@example.com", words: "Email address is not verified. ...: hub@example.com"},
		{status: 400, code: "MailFromDomainNotVerifiedException", said: words, words: words},
		{status: 400, code: "AccountSuspendedException", said: words, words: words},
		{status: 400, code: "SendingPausedException", said: words, words: words},
		{status: 400, code: "LimitExceededException", said: words, words: words},
		{status: 400, code: "ExpiredTokenException", said: words},
		{status: 400, code: "ThrottlingException", said: words},
		{status: 404, code: "NotFoundException", said: words, words: words},
		{status: 403, code: "AccessDeniedException", said: words, words: words},
		{status: 403, code: "UnrecognizedClientException", said: words},
		{status: 403, code: "InvalidClientTokenId", said: words},
		{status: 403, code: "SignatureDoesNotMatch", said: "The Canonical String should have been: x-amz-security-token:" + canarySession},
		{status: 413, code: "RequestEntityTooLarge", said: words, dead: true},
		{status: 429, code: "TooManyRequestsException", said: words, after: "90", pause: 90 * time.Second, words: words},
		{status: 429, code: "TooManyRequestsException", said: words, words: words},
		{status: 500, code: "InternalFailure", said: words},
		{status: 503, code: "ServiceUnavailable", said: words, after: "5", pause: 5 * time.Second},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.code), func(t *testing.T) {
			t.Parallel()
			for _, answer := range []http.HandlerFunc{ // the error's name stands in a header or in the body
				says(tt.status, fmt.Sprintf(`{"message":%q}`, tt.said), "Content-Type", "application/json", "Retry-After", tt.after, "X-Amzn-ErrorType", tt.code+":http://internal.amazon.com/x"),
				says(tt.status, fmt.Sprintf(`{"__type":"com.amazonaws.ses#%s","message":%q}`, tt.code, tt.said), "Content-Type", "application/json", "Retry-After", tt.after),
			} {
				service := startService(t, false, answer)
				checkFailure(t, newSES(t, service.url).Send(t.Context(), message()), fmt.Sprintf("ses: refused with %d %s", tt.status, tt.code), tt.dead, tt.pause, tt.words)
				if n := len(service.asked()); n != 1 {
					t.Errorf("asked %d times: trying again is the queue's business", n)
				}
			}
		})
	}
}

// Not everything that answers is SES.
func TestSESAcceptsOnlyWhatNamesTheMessage(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"empty": says(200, ""), "no id": says(200, "{}"), "HTML": says(200, "<html>Welcome to this hotel</html>"), "nothing": says(204, ""),
		"cut": cuts("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"Mess"),
	} {
		err := newSES(t, startService(t, false, answer).url).Send(t.Context(), message())
		if err == nil || !strings.HasPrefix(err.Error(), "ses: ") || strings.Contains(err.Error(), "hotel") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSESIsReachedInItsRegion(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"eu-central-1": "https://email.eu-central-1.amazonaws.com/v2/email/outbound-emails", "cn-north-1": "https://email.cn-north-1.amazonaws.com.cn/v2/email/outbound-emails",
	} {
		sender, err := NewSESSender(SESConfig{Region: region, AccessKeyID: canaryID, SecretAccessKey: hub.NewSecret(canaryKey)})
		if err != nil {
			t.Fatal(err)
		}
		var asked string
		sender.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.String()
			return nil, http.ErrHandlerTimeout
		})
		if err := sender.Send(t.Context(), message()); err == nil || asked != want {
			t.Errorf("%s: asked %s, %v", region, asked, err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
