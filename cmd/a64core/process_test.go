package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test, built once for all tests of this package.
var binary string

func TestMain(m *testing.M) {
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "a64core-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "a64core")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

const (
	testKey      = "process-test-key-0123456789-abcdefghijklmnopqrstuvwxyz"
	testPassword = "Correct-Horse-7-Battery"
)

// server is the program, serving.
type server struct {
	url  string
	cmd  *exec.Cmd
	log  *syncBuffer
	http *http.Client
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// environment returns what the program runs with: nothing of the machine's own.
func environment(dir string, settings ...string) []string {
	return append([]string{
		"DATA_DIR=" + dir, "SECRET_KEY=" + testKey, "BCRYPT_COST=4", "HASH_QUEUE=1000",
		"RATE_LIMIT_GUEST=0", "RATE_LIMIT_USER=0", "RATE_LIMIT_ADMIN=0", "RATE_LIMIT_SUPER_ADMIN=0", "MAX_SESSIONS=0",
	}, settings...)
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve starts the program on the folder's data and waits until it answers.
func serve(t *testing.T, dir string, settings ...string) *server {
	t.Helper()
	port := freePort(t)
	s := &server{
		url: "http://127.0.0.1:" + port, log: new(syncBuffer), cmd: exec.Command(binary, "serve"),
		http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.cmd.Dir = dir
	s.cmd.Env = environment(dir, append(settings, "PORT="+port)...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.kill() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _ := s.try("GET", "/api/health", "", nil); status == http.StatusOK {
			return s
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the server did not start:\n%s", s.log)
		case <-tick.C:
		}
	}
}

// kill ends the process as a power cut would, if it still runs.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // may have ended already
	_ = s.cmd.Wait()
	s.http.CloseIdleConnections()
}

// terminate asks the process to end and returns its exit code.
func (s *server) terminate(t *testing.T) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait() // the exit code says it
	return s.cmd.ProcessState.ExitCode()
}

// try sends a request and returns status 0 if there was no whole answer.
func (s *server) try(method, path, token string, body any) (status int, answer []byte) {
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url+path, r)
	if err != nil {
		return 0, nil
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, answer
}

// run runs a command of the program to its end.
func run(t *testing.T, dir, stdin string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code says it
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
