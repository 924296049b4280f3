package testdb

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// StartMongoDB starts a mongod of the test's own: the program A64_TEST_MONGOD names, else mongod. One that is too old for the
// driver that the test is built with is as good as none.
func StartMongoDB(t testing.TB) *Server {
	t.Helper()
	program := findProgram("A64_TEST_MONGOD", "mongod")
	if program == "" {
		absent(t, "mongod", "there is no mongod, and A64_TEST_MONGOD names none")
	}
	version, err := mongodVersion(program)
	if err != nil {
		t.Fatal(err)
	}
	if least := topology.MinSupportedMongoDBVersion; older(version, least) {
		absent(t, "mongod", fmt.Sprintf("%s is of version %s, and the driver wants %s", program, version, least))
	}
	s := &Server{t: t, kind: "mongod", program: program, dir: ownFolder(t, nil), answers: dial}
	s.args = func(addr string) []string {
		host, port, _ := net.SplitHostPort(addr)
		return []string{
			"--dbpath", s.dir, "--bind_ip", host, "--port", port, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25",
			"--setParameter", "ttlMonitorSleepSecs=2", "--setParameter", "diagnosticDataCollectionEnabled=false",
		}
	}
	s.launch()
	return s
}

// MongoDB returns the URL of a server that StartMongoDB started, and the name of a database on it that no other test uses.
func (s *Server) MongoDB() (url, database string) {
	// A standalone server keeps no log from which a driver could repeat a write.
	return "mongodb://" + s.addr + "/?directConnection=true&w=majority&journal=true&retryWrites=false", uniqueName()
}

var versionPattern = regexp.MustCompile(`db version v(\d+\.\d+)`)

func mongodVersion(program string) (string, error) {
	out, err := exec.Command(program, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: %s", program, err, out)
	}
	found := versionPattern.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("%s --version says %q", filepath.Base(program), out)
	}
	return string(found[1]), nil
}

// older compares versions of the form major.minor.
func older(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x < y // MongoDB's minors have one digit
}

// dial is enough of an answer: mongod opens its port when it is ready.
func dial(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
