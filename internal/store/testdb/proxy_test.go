package testdb_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// echo is a server that sends back what it gets, and counts it.
func echo(t *testing.T) (addr string, received *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	received = new(atomic.Int64)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 64<<10)
				for {
					n, err := conn.Read(buffer)
					received.Add(int64(n))
					if _, werr := conn.Write(buffer[:n]); err != nil || werr != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), received
}

func throughProxy(t *testing.T, p *testdb.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// say sends a word and returns what comes back within the time.
func say(t *testing.T, conn net.Conn, word string, within time.Duration) (string, error) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(within))
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	buffer := make([]byte, len(word))
	n, err := io.ReadFull(conn, buffer)
	return string(buffer[:n]), err
}

func mustSay(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	if got, err := say(t, conn, word, 10*time.Second); got != word || err != nil {
		t.Fatalf("%q came back for %q: %v", got, word, err)
	}
}

func TestProxyPassesEverything(t *testing.T) {
	t.Parallel()
	addr, _ := echo(t)
	conn := throughProxy(t, testdb.NewProxy(t, addr))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		conn.Write(sent)
		conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(conn) // up to the end, which passes too
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes came back, %v", len(got), len(sent), err)
	}
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	addr, _ := echo(t)
	p := testdb.NewProxy(t, addr)
	conn := throughProxy(t, p)
	mustSay(t, conn, "before")
	p.Refuse()
	if _, err := say(t, conn, "present", 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a present connection: %v, want it cut", err)
	}
	if conn, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v, %v, want it refused", conn, err)
	}
	p.Restore()
	mustSay(t, throughProxy(t, p), "after")
}

func TestProxyIsABlackHole(t *testing.T) {
	t.Parallel()
	addr, received := echo(t)
	p := testdb.NewProxy(t, addr)
	present := throughProxy(t, p)
	mustSay(t, present, "before")
	p.BlackHole()
	before := received.Load()
	fresh := throughProxy(t, p) // is accepted
	for name, conn := range map[string]net.Conn{"present": present, "new": fresh} {
		if got, err := say(t, conn, "held", 100*time.Millisecond); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a %s connection: %q, %v, want nothing until the deadline", name, got, err)
		}
	}
	if n := received.Load(); n != before {
		t.Errorf("%d bytes reached the server", n-before)
	}
	p.Restore()
	for name, conn := range map[string]net.Conn{"present": present, "new": fresh} {
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "held" {
			t.Errorf("a %s connection, restored: %q, %v, want what was held back", name, got, err)
		}
	}
}

func TestProxyHoldsAnAnswerThatIsUnderWay(t *testing.T) {
	t.Parallel()
	addr, received := echo(t)
	p := testdb.NewProxy(t, addr)
	conn := throughProxy(t, p)
	p.Delay(300 * time.Millisecond)
	io.WriteString(conn, "x")
	for again := time.NewTicker(time.Millisecond); received.Load() == 0; {
		<-again.C
	}
	p.BlackHole()
	conn.SetDeadline(time.Now().Add(600 * time.Millisecond))
	if _, err := io.ReadFull(conn, make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want nothing until the deadline", err)
	}
}

func TestProxyDelaysAnswers(t *testing.T) {
	t.Parallel()
	addr, received := echo(t)
	p := testdb.NewProxy(t, addr)
	conn := throughProxy(t, p)
	const delay = 300 * time.Millisecond
	p.Delay(delay)
	start := time.Now()
	mustSay(t, conn, "slow")
	if took := time.Since(start); took < delay {
		t.Errorf("answered after %v, want at least %v", took, delay)
	}
	// The delay is the way's, not the server's: ten requests under way at once take hardly longer than one.
	received.Store(0)
	start = time.Now()
	for range 10 {
		io.WriteString(conn, "x")
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < delay || took > 5*delay {
		t.Errorf("ten answers took %v, want about %v", took, delay)
	}
	p.Restore()
	start = time.Now()
	mustSay(t, conn, "quick")
	if took := time.Since(start); took >= delay {
		t.Errorf("restored, answered after %v", took)
	}
}

func TestProxyCuts(t *testing.T) {
	t.Parallel()
	addr, _ := echo(t)
	p := testdb.NewProxy(t, addr)
	conn := throughProxy(t, p)
	mustSay(t, conn, "before")
	p.Cut()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
	mustSay(t, throughProxy(t, p), "after")
}

func TestProxyCutsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		pass int
		want string
	}{
		{"before its first byte", 0, ""},
		{"in its middle", 3, "abc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr, received := echo(t)
			p := testdb.NewProxy(t, addr)
			conn := throughProxy(t, p)
			mustSay(t, conn, "before")
			received.Store(0)
			p.CutAnswerAfter(tt.pass)
			// A reset may overtake what came before it, on the client's side.
			got, err := say(t, conn, "abcdef", 10*time.Second)
			if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || got != tt.want && got != "" {
				t.Errorf("%q, %v, want %q and a reset", got, err, tt.want)
			}
			if n := received.Load(); n != 6 {
				t.Errorf("the server got %d bytes, want the whole request", n)
			}
			mustSay(t, throughProxy(t, p), "after") // it was once
		})
	}
}

func TestProxyPassesTheServersAbsenceOn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	conn, err := net.Dial("tcp", testdb.NewProxy(t, l.Addr().String()).Addr())
	if err != nil {
		return // it was cut sooner than we heard of it
	}
	defer conn.Close()
	if _, err := say(t, conn, "x", 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v, want the connection cut", err)
	}
}
