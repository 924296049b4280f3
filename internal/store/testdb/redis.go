package testdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// Redis returns the URL of a Redis server, redis://host:port. Tests share its databases: each names its keys so that no
// other test meets them.
func Redis(t testing.TB) string {
	t.Helper()
	return named(t, "redis", "A64_TEST_REDIS_URL")
}

// StartRedis starts a redis-server of the test's own that keeps nothing when it ends: the program A64_TEST_REDIS_SERVER
// names, else redis-server. Options are those of its command line, and may begin with a configuration file: "--requirepass",
// "secret".
func StartRedis(t testing.TB, options ...string) *Server {
	t.Helper()
	program := findProgram("A64_TEST_REDIS_SERVER", "redis-server", "valkey-server")
	if program == "" {
		absent(t, "redis", "there is no redis-server, and A64_TEST_REDIS_SERVER names none")
	}
	s := &Server{t: t, kind: "redis-server", program: program, dir: ownFolder(t, nil), answers: pingRedis}
	s.args = func(addr string) []string {
		host, port, _ := net.SplitHostPort(addr)
		file := 0
		if len(options) > 0 && !strings.HasPrefix(options[0], "--") {
			file = 1
		}
		return slices.Concat(options[:file], []string{
			"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
		}, options[file:])
	}
	s.launch()
	return s
}

// pingRedis asks in the protocol's inline form. A server that wants a password first is there, one that still loads is not.
func pingRedis(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(answer, "+") && !strings.HasPrefix(answer, "-NOAUTH") {
		return errors.New(strings.TrimSpace(answer))
	}
	return nil
}
