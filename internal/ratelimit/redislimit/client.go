package redislimit

import (
	"crypto/tls"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/a64core/hub/internal/redisurl"
)

const (
	dialTimeout = time.Second // by which a connection is there or given up; whoever wants it waits no longer than Timeout
	bufferSize  = 4 << 10     // of a connection, each way; a script's text is the longest we send
	idleTime    = 5 * time.Minute
)

// newClient returns a client that has no connection yet.
func newClient(u redisurl.URL) redis.UniversalClient {
	// The library would write each failed connection to standard error. What matters of it, a Server logs.
	logging.Disable()
	o := &redis.UniversalOptions{
		Addrs: u.Hosts, DB: u.DB, MasterName: u.Master, IsClusterMode: u.Topology == redisurl.Cluster,
		Username: u.User, Password: u.Password.Reveal(),
		SentinelUsername: u.SentinelUser, SentinelPassword: u.SentinelPassword.Reveal(),
		ClientName: "a64core",

		// A deadline bounds all of a call: waiting for a connection, dialing, logging on and the answer. What fails is
		// not tried again, except where a cluster says which node to ask instead.
		ContextTimeoutEnabled: true,
		MaxRetries:            -1,
		DialTimeout:           dialTimeout, DialerRetries: 1,
		ReadTimeout: dialTimeout, WriteTimeout: dialTimeout, PoolTimeout: dialTimeout,

		ConnMaxIdleTime: idleTime,
		ReadBufferSize:  bufferSize, WriteBufferSize: bufferSize, PipelinePoolSize: -1,
		// Nothing of the newer protocol is used, and pushed notifications cost a look before each command.
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if u.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: u.SkipVerify} //nolint:gosec // only if the URL asks for it
	}
	return redis.NewUniversalClient(o)
}
