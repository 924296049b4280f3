package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what takes a moment on a machine that has nothing else to do.
const patience = 2 * time.Minute

// hub is the program, serving.
type hub struct {
	cmd  *exec.Cmd
	addr string
	log  record
}

// serve starts the command, whose PORT must be 0 and whose LOG_FORMAT json, and returns when it listens.
func serve(t *testing.T, cmd *exec.Cmd) *hub {
	t.Helper()
	h := &hub{cmd: cmd}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // may have ended already
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the hub's log:\n%s", h.log.String())
		}
	})
	listening := make(chan string, 1)
	go func() {
		defer close(listening)
		for lines := bufio.NewScanner(io.TeeReader(stderr, &h.log)); lines.Scan(); {
			var line struct{ Msg, Message, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && (line.Msg == "serving" || line.Message == "serving") {
				listening <- line.Address
			}
		}
	}()
	select {
	case h.addr = <-listening:
	case <-time.After(patience):
	}
	if h.addr == "" {
		t.Fatal("the hub does not listen")
	}
	return h
}

// port returns the TCP port that the hub listens on.
func (h *hub) port(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(h.addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// stop ends the hub as Docker and Kubernetes do. It must end by itself, and well.
func (h *hub) stop(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Errorf("stopped: %v", err)
	}
}

// signUp makes an account and signs in.
func (h *hub) signUp(t *testing.T) {
	t.Helper()
	account := map[string]string{"email": "ada@example.com", "password": "Analytical-Engine-1843", "firstName": "Ada", "lastName": "Lovelace"}
	h.post(t, "/api/v1/auth/register", http.StatusCreated, account)
	delete(account, "firstName")
	delete(account, "lastName")
	h.post(t, "/api/v1/auth/login", http.StatusOK, account)
}

func (h *hub) post(t *testing.T, path string, want int, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Timeout: patience}).Post("http://"+h.addr+path, "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		t.Fatalf("%s: %d, want %d: %s, %v", path, response.StatusCode, want, answer, err)
	}
}

// record keeps what is written to it.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
