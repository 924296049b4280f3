package redislimit_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/a64core/hub/internal/store/testdb"
)

// command sends one command to one server.
func command(t *testing.T, addr string, args ...any) (string, error) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	return client.Do(t.Context(), args...).Text()
}

func mustCommand(t *testing.T, addr string, args ...any) {
	t.Helper()
	if _, err := command(t, addr, args...); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// TestSentinel has a sentinel promote the replica when the master is killed.
func TestSentinel(t *testing.T) {
	t.Parallel()
	const password = "p@ss"
	master := testdb.StartRedis(t, "--requirepass", password, "--masterauth", password)
	host, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		t.Fatal(err)
	}
	testdb.StartRedis(t, "--requirepass", password, "--masterauth", password, "--replicaof", host, port)
	conf := filepath.Join(t.TempDir(), "sentinel.conf") // which the sentinel rewrites
	text := fmt.Sprintf("sentinel monitor main %s %s 1\nsentinel auth-pass main %s\nsentinel down-after-milliseconds main 1000\n", host, port, password)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := testdb.StartRedis(t, conf, "--sentinel")
	eventually(t, "the sentinel has found the replica", func() bool {
		reply, err := command(t, sentinel.Addr(), "INFO", "sentinel")
		return err == nil && strings.Contains(reply, "slaves=1") && strings.Contains(reply, "status=ok")
	})

	s, l := open(t, "redis+sentinel://:p%40ss@127.0.0.1:1,"+sentinel.Addr()+"/main/0")
	if s.State().Away {
		t.Fatalf("Redis is not found: %s", l)
	}
	watch(t, s)
	limiter := s.Limiter()
	if n := admitted(t, limiter, "k", 5, 10); n != 5 || s.State().DecidedAlone > 0 {
		t.Fatalf("%d admitted, state %+v", n, s.State())
	}
	master.Kill()
	eventually(t, "Redis is away", isAway(s))
	if n := admitted(t, limiter, "k", 5, 10); n != 0 {
		t.Errorf("%d more admitted without a master", n)
	}
	eventually(t, "Redis is back", isBack(s))
	if n := admitted(t, limiter, "k", 5, 10); n != 0 {
		t.Errorf("%d more admitted by the new master", n)
	}
}

// TestCluster spreads keys over three nodes, of which the client is told one.
func TestCluster(t *testing.T) {
	t.Parallel()
	var nodes []*testdb.Server
	for range 3 {
		nodes = append(nodes, testdb.StartRedis(t, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--user", "hub", "on", ">p@ss", "~a64core:*", "+eval", "+evalsha", "+get", "+set", "+time", "+client|setname", "+cluster|slots", "+asking"))
	}
	const slots = 16384
	for i, n := range nodes {
		mustCommand(t, n.Addr(), "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		mustCommand(t, n.Addr(), "CLUSTER", "ADDSLOTSRANGE", i*slots/3, (i+1)*slots/3-1)
		if host, port, err := net.SplitHostPort(n.Addr()); err != nil {
			t.Fatal(err)
		} else if i > 0 {
			mustCommand(t, nodes[0].Addr(), "CLUSTER", "MEET", host, port)
		}
	}
	for _, n := range nodes {
		eventually(t, "the cluster is complete", func() bool {
			reply, err := command(t, n.Addr(), "CLUSTER", "INFO")
			return err == nil && strings.Contains(reply, "cluster_state:ok") && strings.Contains(reply, "cluster_known_nodes:3")
		})
	}

	s, l := open(t, "redis+cluster://hub:p%40ss@"+nodes[1].Addr())
	limiter := s.Limiter()
	for i := range 50 {
		if n := admitted(t, limiter, fmt.Sprint(i), 3, 5); n != 3 {
			t.Errorf("key %d: %d admitted, want 3", i, n)
		}
	}
	if state := s.State(); state.Away || state.DecidedAlone > 0 {
		t.Fatalf("state %+v, log %s", state, l)
	}
	for _, n := range nodes {
		if size, err := command(t, n.Addr(), "INFO", "keyspace"); err != nil || !strings.Contains(size, "keys=") {
			t.Errorf("a node has no keys: %q, %v", size, err)
		}
	}
}
