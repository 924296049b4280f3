package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const slowRequest = "POST /api/v1/auth/login HTTP/1.1\r\nHost: hub\r\nX-A: "

func TestHTT07_SlowClientsAreCutOffAndStarveNobody(t *testing.T) {
	t.Parallel()
	slowloris(t, 500, slowRequest, 48)
}

// slowloris opens so many connections that begin a request and go on with it byte by byte, faster than any wait for the next byte
// would end. It wants them cut off all the same, honest clients served meanwhile, and the program's memory to grow by no more
// than so many KiB for each. It returns how long honest requests took.
func slowloris(t *testing.T, connections int, opening string, each int) (took []time.Duration) {
	t.Helper()
	s := serve(t, t.TempDir())
	const email = "ada@example.com"
	person := map[string]any{"email": email, "password": testPassword, "firstName": "Ada", "lastName": "Lovelace"}
	if status, answer := s.try(http.MethodPost, "/api/v1/auth/register", "", person); status != http.StatusCreated {
		t.Fatalf("register: %d %s", status, answer)
	}
	login := map[string]any{"email": email, "password": testPassword}
	for range 100 { // so that what honest clients take is there before
		s.try(http.MethodPost, "/api/v1/auth/login", "", login)
	}
	before := resident(t, s.cmd.Process.Pid)

	stop := make(chan struct{})
	var honest sync.WaitGroup
	var mu sync.Mutex // guards took
	for range 4 {
		honest.Go(func() {
			for served := 0; ; served++ {
				began := time.Now()
				status, answer := s.try(http.MethodPost, "/api/v1/auth/login", "", login)
				if status != http.StatusOK {
					t.Errorf("an honest client's login %d: status %d %s", served, status, answer)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	leave := sync.OnceFunc(func() { close(stop); honest.Wait() })
	defer leave()

	slow := openSlow(t, strings.TrimPrefix(s.url, "http://"), connections, opening)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	deadline := time.After(90 * time.Second) // the hub gives a header 10 s
	most := before
	for len(slow) > 0 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d of %d slow connections were never cut off", len(slow), connections)
		}
		most = max(most, resident(t, s.cmd.Process.Pid))
		slow = trickle(slow)
	}
	leave()
	if grown, allowed := most-before, connections*each+128<<10; grown > allowed {
		t.Errorf("%d slow connections took %d KiB, more than %d", connections, grown, allowed)
	}
	slices.Sort(took)
	t.Logf("%d slow connections: %d KiB before, at most %d; %d honest logins, p99 %v", connections, before, most, len(took), took[len(took)*99/100])
	return took
}

// openSlow opens connections and begins a request on each.
func openSlow(t *testing.T, address string, n int, opening string) (slow []net.Conn) {
	t.Helper()
	t.Cleanup(func() {
		for _, c := range slow {
			_ = c.Close() // most were closed by the hub
		}
	})
	for range n {
		c, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.EMFILE) {
			t.Skipf("the machine allows too few open files for %d connections", n)
		}
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
		if _, err := fmt.Fprint(c, opening); err != nil {
			t.Fatal(err)
		}
	}
	return slow
}

// trickle sends one more byte on each connection and returns those that are still open.
func trickle(slow []net.Conn) (open []net.Conn) {
	for _, c := range slow {
		if _, err := c.Write([]byte("a")); err == nil {
			open = append(open, c)
		} else {
			_ = c.Close() // the hub has closed it
		}
	}
	return open
}

var residentLine = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)

// resident returns the process's memory in KiB, 0 where the system does not tell.
func resident(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	found := residentLine.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no VmRSS in %s", text)
	}
	kib, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
