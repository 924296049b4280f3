//go:build unix

package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// loadResult tells how many requests were answered and what went wrong with requests that had been accepted.
type loadResult struct {
	answered int64
	faults   []string
}

// start has each account send requests on a kept connection until the server takes no more, or stop is closed.
func start(s *server, accounts []*account, stop <-chan struct{}) <-chan loadResult {
	ended := make(chan loadResult, 1)
	go func() { ended <- load(s, accounts, stop) }()
	return ended
}

func load(s *server, accounts []*account, stop <-chan struct{}) loadResult {
	var (
		group  sync.WaitGroup
		mu     sync.Mutex
		result loadResult
	)
	add := func(answered int64, faults ...string) {
		mu.Lock()
		defer mu.Unlock()
		result.answered += answered
		result.faults = append(result.faults, faults...)
	}
	for _, a := range accounts {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				request, err := http.NewRequest("PATCH", s.url+"/api/v1/users/me", strings.NewReader(`{"lastName":"Byron"}`))
				if err != nil {
					add(0, err.Error())
					return
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Authorization", "Bearer "+a.access)
				response, err := s.http.Do(request)
				if errors.Is(err, syscall.ECONNREFUSED) {
					return // not accepted
				}
				if err != nil {
					add(0, err.Error())
					return
				}
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					add(0, response.Status)
					return
				}
				add(1)
			}
		})
	}
	group.Wait()
	return result
}

// FLT-19
func TestR39_EveryAcceptedRequestIsAnsweredWhenTheServerIsToldToEnd(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	accounts := registerMany(t, s, 20)
	ended := start(s, accounts, nil)
	s.log.wait(t, `(?s)(PATCH.*?){100}`)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	got := <-ended
	began := time.Now()
	_ = s.cmd.Wait() // the exit code says it
	if code := s.cmd.ProcessState.ExitCode(); code != exitOK || len(got.faults) > 0 || time.Since(began) > 15*time.Second {
		t.Errorf("exit code %d, %d answered, faults: %q", code, got.answered, got.faults)
	}
}

// FLT-26
func TestR40_AServerThatWasStoppedForAWhileGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	accounts := registerMany(t, s, 8)
	stop := make(chan struct{})
	ended := start(s, accounts, stop)
	s.log.wait(t, `PATCH`)
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	pause := time.NewTimer(2 * time.Second)
	<-pause.C
	if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		if again := (&account{email: a.email}); !again.login(s) {
			t.Errorf("%s cannot log in afterwards", a.email)
		}
	}
	close(stop)
	if got := <-ended; len(got.faults) > 0 || got.answered == 0 {
		t.Errorf("%d answered, faults: %q", got.answered, got.faults)
	}
	if code := s.terminate(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

// FLT-16
func TestR29_AReaderOfTheLogThatGoesAwayEndsNothing(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := newOutput()
	s := &server{log: log, cmd: exec.Command(builtProgram, "serve"), http: &http.Client{Timeout: 20 * time.Second}}
	s.cmd.Env = environment(dir)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, writer, writer
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	writer.Close()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(log, reader) // ends when the reader is closed
	}()
	s.url = "http://" + log.wait(t, `msg=serving address=(\S+)`)
	log.wait(t, `Your --last-name Name\n\n`)
	reader.Close()
	<-copied
	for n := range 20 {
		s.register(t, address(n))
	}
	if code := s.terminate(t); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
