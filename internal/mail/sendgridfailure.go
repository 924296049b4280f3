package mail

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sendGridAnswer is the body of a refusal.
type sendGridAnswer struct {
	Errors []struct {
		Message string `json:"message"`
		Field   string `json:"field"`
	} `json:"errors"`
}

// sendGridFailure returns the error of a refusal. Its message may name the recipient, so it is kept aside; of its fields
// only names that stand in every request of ours remain.
func sendGridFailure(response *http.Response) error {
	body, _ := io.ReadAll(response.Body) // what came is enough to tell why, and the status if nothing did
	var answer sendGridAnswer
	_ = json.Unmarshal(body, &answer)
	var fields, words []string
	for _, e := range answer.Errors {
		words = append(words, e.Message)
		if isSendGridField(e.Field) && !slices.Contains(fields, e.Field) {
			fields = append(fields, e.Field)
		}
	}
	f := &failure{
		text:      fmt.Sprintf("sendgrid: refused with %d", response.StatusCode),
		permanent: sendGridConcernsMessage(response.StatusCode, fields, len(answer.Errors) > 0),
		pause:     sendGridPause(response),
	}
	if len(fields) > 0 {
		f.text += " at " + strings.Join(fields[:min(len(fields), 3)], ", ")
	}
	if response.StatusCode != http.StatusUnauthorized { // about the key, which is nobody's to see
		f.words = wordsOf(strings.Join(words, "; "))
	}
	return f
}

// sendGridConcernsMessage reports whether a refusal is about the message rather than about us. We are meant by 401 (the
// key, or no credits left), 403 (the key's rights, or a sender that was not verified), redirections and 404 (the URL), and
// 400 if the sender is wrong, which is the same in all mails, or if it is not SendGrid who says so.
func sendGridConcernsMessage(status int, fields []string, bySendGrid bool) bool {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return true
	case http.StatusBadRequest:
		return bySendGrid && !slices.ContainsFunc(fields, func(f string) bool { return f == "from" || strings.HasPrefix(f, "from.") })
	}
	return false
}

// isSendGridField reports whether text is a path in our requests, such as personalizations.0.to.0.email.
func isSendGridField(text string) bool {
	known := []string{
		"personalizations", "to", "from", "email", "name", "subject", "content", "type", "value", "headers",
		"mail_settings", "bypass_unsubscribe_management", "tracking_settings", "click_tracking", "open_tracking",
		"subscription_tracking", "ganalytics", "enable", "enable_text",
	}
	if len(text) > 80 {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if _, err := strconv.ParseUint(part, 10, 8); err != nil && !slices.Contains(known, part) {
			return false
		}
	}
	return true
}

// sendGridPause returns how long SendGrid asks us to wait. After too many requests it tells when the next are welcome.
func sendGridPause(response *http.Response) time.Duration {
	now := time.Now()
	if pause := retryAfter(response.Header, now); pause > 0 {
		return pause
	}
	reset, err := strconv.ParseInt(response.Header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || response.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	return max(0, time.Unix(reset, 0).Sub(now))
}
