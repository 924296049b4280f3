package redislimit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// answer is an error that Redis answered.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

func TestReasonsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{answer("LOADING Redis is loading the dataset in memory"), "it is reading its data (LOADING)"},
		{answer("MISCONF Redis is configured to save RDB snapshots, but"), "it cannot save its data and refuses writes (MISCONF)"},
		{answer("ERR unknown command `HELLO`, with args beginning with: `2` `AUTH` `hub` `CANARY`"), "it answers: ERR unknown command `HELLO`"},
		{answer("ERR Error running script"), "it answers: ERR Error running script"},
		{fmt.Errorf("take: %w", context.DeadlineExceeded), "no answer within 50ms"},
		{errors.New("dial tcp 127.0.0.1:1: connect: connection refused"), "dial tcp 127.0.0.1:1: connect: connection refused"},
		{errors.New(strings.Repeat("x", 1000) + "CANARY"), strings.Repeat("x", 200)},
	} {
		if got := reason(tt.err); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
