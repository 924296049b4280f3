package mail

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// sesCode is the form of the names of errors.
var sesCode = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

// sesRefusal is what SES says about a request that it refused.
type sesRefusal struct{ code, message string }

// readSESRefusal reads a refusal. The error's name stands in a header or in the body, with a namespace before it or an address
// after it ("Smithy, AWS restJson1 protocol", operation error serialization).
func readSESRefusal(response *http.Response) sesRefusal {
	text, _ := io.ReadAll(response.Body) // what came is enough to tell why, and the status if nothing did
	var body struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(text, &body)
	code := cmp.Or(response.Header.Get("X-Amzn-ErrorType"), body.Type, body.Code)
	code, _, _ = strings.Cut(code, ":")
	code = code[strings.IndexByte(code, '#')+1:]
	if !sesCode.MatchString(code) {
		code = ""
	}
	return sesRefusal{code, body.Message}
}

// sesFailure returns the error of a mail that SES did not take. What it says may name the recipient, so of it only the
// status and the error's name may be stored.
func sesFailure(response *http.Response) error {
	refusal := readSESRefusal(response)
	f := &failure{
		text:      strings.TrimRight(fmt.Sprintf("ses: refused with %d %s", response.StatusCode, refusal.code), " "),
		permanent: response.StatusCode == http.StatusRequestEntityTooLarge || refusal.concernsMessage(),
		pause:     retryAfter(response.Header, time.Now()),
	}
	if refusal.mayShow() {
		f.words = wordsOf(refusal.message)
	}
	return f
}

// concernsMessage reports whether a refusal is about the message rather than about us: our rights, the state of the
// account, a sender that was not verified. SES calls it a rejected message, too, if the sender is not verified, or the
// recipient while the account is in the sandbox: both are the operator's to mend.
func (r sesRefusal) concernsMessage() bool {
	switch r.code {
	case "BadRequestException":
		return true
	case "MessageRejected":
		return !strings.Contains(strings.ToLower(r.message), "not verified")
	}
	return false
}

// mayShow reports whether an error's words may be shown to an operator. Those about a signature that does not match
// repeat the whole request, with the session token.
func (r sesRefusal) mayShow() bool {
	switch r.code {
	case "AccessDenied", "AccessDeniedException", "AccountSuspendedException", "BadRequestException", "LimitExceededException",
		"MailFromDomainNotVerifiedException", "MessageRejected", "NotFoundException", "SendingPausedException", "TooManyRequestsException":
		return true
	}
	return false
}
