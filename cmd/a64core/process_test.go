package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// builtProgram is the path of the program under test, built once for all tests of this package.
var builtProgram string

func TestMain(m *testing.M) {
	os.Exit(buildAndTest(m))
}

func buildAndTest(m *testing.M) int {
	dir, err := os.MkdirTemp("", "a64core-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	builtProgram = filepath.Join(dir, "a64core")
	if out, err := exec.Command("go", "build", "-o", builtProgram, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

const (
	testKey      = "Zt4vRk8wQm2xLp6yNc9sHb3dGf7jVa5u"
	testPassword = "Correct-Horse-7-Battery"
)

// server is the program, serving.
type server struct {
	url  string
	cmd  *exec.Cmd
	log  *output // standard output and error
	http *http.Client
}

// environment returns what the program runs with: nothing of the machine's own.
func environment(dir string, settings ...string) []string {
	return append([]string{
		"DATA_DIR=" + dir, "SECRET_KEY=" + testKey, "BCRYPT_COST=4", "HASH_QUEUE=1000", "REFRESH_GRACE=1m", "PORT=0",
		"RATE_LIMIT_GUEST=0", "RATE_LIMIT_USER=0", "RATE_LIMIT_ADMIN=0", "RATE_LIMIT_SUPER_ADMIN=0", "MAX_SESSIONS=0",
	}, settings...)
}

// serve starts the program on the folder's data and waits until it listens.
func serve(t *testing.T, dir string, settings ...string) *server {
	t.Helper()
	s := launch(t, dir, settings...)
	s.waitUntilServing(t)
	return s
}

// launch is serve that does not wait.
func launch(t *testing.T, dir string, settings ...string) *server {
	t.Helper()
	s := &server{
		log: newOutput(), cmd: exec.Command(builtProgram, "serve"),
		http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.cmd.Dir, s.cmd.Env = dir, environment(dir, settings...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func (s *server) waitUntilServing(t *testing.T) {
	t.Helper()
	s.url = "http://" + s.log.wait(t, `msg=serving address=(\S+)`)
}

// metric asks a server with METRICS_ADDR for a metric without labels.
func (s *server) metric(t *testing.T, name string) int {
	t.Helper()
	response, err := s.http.Get("http://" + s.log.wait(t, `msg="serving metrics" address=(\S+)`) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("there is no metric %s", name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(value)
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
	status, _, answer = s.tryAll(method, path, token, body)
	return status, answer
}

// tryAll is try that also returns the header.
func (s *server) tryAll(method, path, token string, body any) (status int, header http.Header, answer []byte) {
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, nil
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, s.url+path, r)
	if err != nil {
		return 0, nil, nil
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil, nil
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, nil
	}
	return resp.StatusCode, resp.Header, answer
}

// execute runs a command of the program to its end.
func execute(t *testing.T, dir, stdin string, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), builtProgram, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, environment(dir), strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code says it
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// do executes a command that must succeed.
func do(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	got := execute(t, dir, stdin, args...)
	if got.code != exitOK {
		t.Fatalf("%v: %+v", args, got)
	}
	return got.stdout
}
