package redislimit

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reason tells why Redis did not decide, for the log. Of an answer of Redis it keeps no more than is known to hold no
// password: old servers repeat commands that they do not know, with their arguments.
func reason(err error) string {
	var answer redis.Error
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout(), errors.Is(err, redis.ErrPoolTimeout):
		return "no answer within " + Timeout.String()
	case errors.As(err, &answer):
		code, text, _ := strings.Cut(answer.Error(), " ")
		if explained, ok := answers(code); ok {
			return explained + " (" + code + ")"
		}
		text, _, _ = strings.Cut(text, ", with args")
		return "it answers: " + shortened(code+" "+text)
	default:
		return shortened(err.Error())
	}
}

// answers explains what Redis says when it will not do as it is told.
func answers(code string) (string, bool) {
	explained, ok := map[string]string{
		"NOAUTH":      "it wants a password",
		"WRONGPASS":   "it refuses the user or the password",
		"NOPERM":      "the user may not do what limits need",
		"READONLY":    "it is a replica",
		"LOADING":     "it is reading its data",
		"MASTERDOWN":  "it is a replica without its master",
		"OOM":         "its memory is full",
		"MISCONF":     "it cannot save its data and refuses writes",
		"BUSY":        "it is busy with another script",
		"CLUSTERDOWN": "the cluster is down",
		"TRYAGAIN":    "the cluster is moving keys",
		"NOREPLICAS":  "it has too few replicas to write",
	}[code]
	return explained, ok
}

func shortened(text string) string {
	const longest = 200
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > longest {
		text = text[:longest]
	}
	return text
}
