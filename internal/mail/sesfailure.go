package mail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// sesCode is the form of the names of errors.
var sesCode = regexp.MustCompile(`^[A-Za-z]{1,60}$`)

// sesFailure returns the error of a mail that SES did not take. What it says may name the recipient, so of it only the
// status and the error's name may be stored.
func sesFailure(ctx context.Context, err error) error {
	var answered *awshttp.ResponseError
	switch {
	case errors.Is(err, errNotSES):
		return &failure{text: "ses: " + errNotSES.Error()}
	case errors.Is(err, errNoCredentials):
		return &failure{text: "ses: " + errNoCredentials.Error(), words: wordsOf(err.Error())}
	case !errors.As(err, &answered) || answered.HTTPStatusCode() == 0:
		return &failure{text: "ses: " + networkReason(ctx, err)}
	case answered.HTTPStatusCode() == http.StatusOK: // and cut off, or no JSON
		return &failure{text: "ses: " + networkReason(ctx, err) + " in the middle of the answer"}
	}
	f := &failure{
		text:  fmt.Sprintf("ses: refused with %d", answered.HTTPStatusCode()),
		pause: retryAfter(answered.HTTPResponse().Header, time.Now()),
	}
	f.permanent = answered.HTTPStatusCode() == http.StatusRequestEntityTooLarge
	var refusal smithy.APIError
	if errors.As(err, &refusal) && sesCode.MatchString(refusal.ErrorCode()) {
		f.text += " " + refusal.ErrorCode()
		f.permanent = f.permanent || sesConcernsMessage(refusal)
		if sesMayShow(refusal.ErrorCode()) {
			f.words = wordsOf(refusal.ErrorMessage())
		}
	}
	return f
}

// sesConcernsMessage reports whether a refusal is about the message rather than about us: our rights, the state of the
// account, a sender that was not verified. SES calls it a rejected message, too, if the sender is not verified, or the
// recipient while the account is in the sandbox: both are the operator's to mend.
func sesConcernsMessage(refusal smithy.APIError) bool {
	switch refusal.ErrorCode() {
	case "BadRequestException":
		return true
	case "MessageRejected":
		return !strings.Contains(strings.ToLower(refusal.ErrorMessage()), "not verified")
	}
	return false
}

// sesMayShow reports whether an error's words may be shown to an operator. Those about a signature that does not match
// repeat the whole request, with the session token.
func sesMayShow(code string) bool {
	switch code {
	case "AccessDenied", "AccessDeniedException", "AccountSuspendedException", "BadRequestException", "LimitExceededException",
		"MailFromDomainNotVerifiedException", "MessageRejected", "NotFoundException", "SendingPausedException", "TooManyRequestsException":
		return true
	}
	return false
}
