package testdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Server is a database server of one test's own, that may do with it what it likes. It ends with the test, and on Linux
// also if the test is killed. Its methods fail the test if they cannot do what they say; they are for one goroutine at
// a time.
type Server struct {
	t       testing.TB
	kind    string
	program string
	dir     string // data and the log
	owner   *owner
	parent  bool // it has processes of its own, which end when it is told to
	args    func(addr string) []string
	answers func(ctx context.Context, addr string) error

	addr    string
	process *os.Process
	ended   chan struct{} // closed when the process has been waited for; nil before the first
	exit    error         // how it ended, to be read after that
}

// startTime is how long a server may take until it answers, on a busy machine and after a crash.
const startTime = 60 * time.Second

// launch starts a server for the first time, on a port that it finds free.
func (s *Server) launch() {
	s.t.Helper()
	s.t.Cleanup(func() {
		if s.running() { // nobody will want the data
			_ = s.process.Kill() // it can only fail if the process has ended in the meantime
			<-s.ended
		}
		if s.t.Failed() {
			s.t.Logf("%s's last words:\n%s", s.kind, s.lastWords())
		}
	})
	var err error
	for range 5 { // another process may be quicker to take the port
		if s.addr, err = freeAddr(); err != nil {
			s.t.Fatal(err)
		}
		if err = s.start(); err == nil {
			return
		}
	}
	s.t.Fatalf("start %s: %v\n%s", s.kind, err, s.lastWords())
}

// Addr is where the server listens, host:port. It stays the same however often the server is started.
func (s *Server) Addr() string { return s.addr }

// Start starts the server that was stopped or killed, with the data it left, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	if s.running() {
		s.t.Fatalf("%s runs already", s.kind)
	}
	if err := s.start(); err != nil {
		s.t.Fatalf("start %s: %v\n%s", s.kind, err, s.lastWords())
	}
}

// Stop asks the server to end and waits until it has.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if signalThaw != nil {
		_ = s.process.Signal(signalThaw) // a frozen one would not hear of it; another may have ended already
	}
	select {
	case <-s.ended:
	case <-time.After(startTime):
		s.t.Fatalf("%s does not stop:\n%s", s.kind, s.lastWords())
	}
}

// Kill ends the server without warning, as kill -9 does, and waits until it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	s.signal(os.Kill)
	<-s.ended
}

// Freeze stops the server where it stands: the system still accepts connections and data for it, and nothing answers.
func (s *Server) Freeze() {
	s.t.Helper()
	if signalFreeze == nil {
		s.t.Skip("this system freezes no process")
	}
	s.signal(signalFreeze)
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !isFrozen(s.process.Pid) { // a thread may be at work for a moment longer
		select {
		case <-tick.C:
		case <-deadline.C:
			s.t.Fatalf("%s does not freeze", s.kind)
		}
	}
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() {
	s.t.Helper()
	s.signal(signalThaw)
}

func (s *Server) signal(sig os.Signal) {
	s.t.Helper()
	if !s.running() {
		s.t.Fatalf("%s does not run", s.kind)
	}
	if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatalf("signal %v to %s: %v", sig, s.kind, err)
	}
}

// running reports whether a process was started and has not ended, by itself or otherwise.
func (s *Server) running() bool {
	if s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// start starts the process and waits until it answers.
func (s *Server) start() error {
	if err := s.spawn(); err != nil {
		return err
	}
	// Not the test's context: that ends before the clean-up, which may want to start a server.
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := s.answers(ctx, s.addr)
		select {
		case <-s.ended: // even if there was an answer: then another server has the port
			return fmt.Errorf("it ended: %w", s.exit)
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.ended:
		case <-ctx.Done():
			s.Kill()
			return fmt.Errorf("no answer within %v: %w", startTime, err)
		}
	}
}

// spawn starts the process and a goroutine that waits for its end.
func (s *Server) spawn() error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(s.program, s.args(s.addr)...)
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(s.owner, s.parent)
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		// The process dies with the thread that started it, which therefore must not end earlier.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		s.exit = cmd.Wait()
		if s.exit == nil {
			s.exit = errors.New("exit status 0")
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.ended = cmd.Process, ended
	return nil
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// lastWords returns the end of the server's log.
func (s *Server) lastWords() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	const enough = 2000
	return string(text[max(0, len(text)-enough):])
}

// ownFolder returns an empty folder that goes with the test and that the owner may reach and fill.
func ownFolder(t testing.TB, o *owner) string {
	t.Helper()
	dir := t.TempDir()
	if o == nil {
		return dir
	}
	// The testing package keeps the folders of a test in one that only we may enter.
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.give(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
