package redisurl

import "github.com/a64core/hub"

// Topology says what stands at the hosts of a URL.
type Topology int

// The topologies.
const (
	Single   Topology = iota // one server
	Sentinel                 // sentinels, which know the master
	Cluster                  // some of the nodes of a cluster, which know the others
)

// URL is where Redis is.
type URL struct {
	Topology   Topology
	Hosts      []string // host:port, at least one
	TLS        bool
	SkipVerify bool // of TLS: the server's certificate may be anybody's
	User       string
	Password   hub.Secret
	Master     string // with Sentinel: the name of the master
	DB         int    // not in a cluster

	SentinelUser     string
	SentinelPassword hub.Secret
}
