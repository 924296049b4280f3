package redislimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/ratelimit"
	"github.com/a64core/hub/internal/telemetry/tracing"
)

//go:embed window.lua
var windowScript string

// counter keeps windows in Redis.
type counter struct {
	client     redis.UniversalClient
	script     *redis.Script
	key        []byte // of the hash of keys
	givenTimes bool   // go by the times that are given, not by Redis's clock
}

func newCounter(client redis.UniversalClient, secret hub.Secret, givenTimes bool) *counter {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte("a64core: names of rate limits in Redis"))
	return &counter{client: client, script: redis.NewScript(windowScript), key: mac.Sum(nil), givenTimes: givenTimes}
}

// take asks Redis for one decision. An error decides nothing; the request may have been counted.
func (c *counter) take(ctx context.Context, key string, limit int, now time.Time) (d ratelimit.Decision, err error) {
	ctx, span := tracing.Start(ctx, "redis.take")
	defer span.End(&err)
	at := ""
	if c.givenTimes {
		at = strconv.FormatInt(now.UnixMicro(), 10)
	}
	answer, err := c.script.Run(ctx, c.client, []string{c.name(key)}, limit, at).Int64Slice()
	if err != nil {
		return ratelimit.Decision{}, err
	}
	if len(answer) != 4 {
		return ratelimit.Decision{}, fmt.Errorf("the script answered %d numbers", len(answer))
	}
	return ratelimit.Decision{
		Allowed: answer[0] == 1, Limit: limit, Remaining: int(answer[1]),
		Reset: time.Duration(answer[2]) * time.Microsecond, RetryAfter: time.Duration(answer[3]) * time.Microsecond,
	}, nil
}

// name returns what a key is called in Redis: a keyed hash, so that whoever reads Redis learns no addresses, of which
// there are few enough to try all. In braces it also says where in a cluster the key lives.
func (c *counter) name(key string) string {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(key))
	return "a64core:limit:{" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16]) + "}"
}
