package app_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/a64core/hub/internal/hubtest"
)

// A connection that the system has completed and the hub has not accepted yet was reset when the port closed, with the
// request in it.
func TestR39_NoConnectionIsResetWhenThePortCloses(t *testing.T) { // FLT-19
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("other systems offer nothing against it")
	}
	h := hubtest.Start(t, hubtest.Settings{"SHUTDOWN_TIMEOUT": "30s"})
	const clients = 64
	var visitors sync.WaitGroup
	var served atomic.Int64
	busy := make(chan struct{})
	for range clients {
		visitors.Go(func() {
			for {
				err := visit(h.Addr())
				if errors.Is(err, syscall.ECONNREFUSED) {
					return
				}
				if err != nil {
					t.Errorf("a connection was made, but: %v", err)
					return
				}
				if served.Add(1) == 10*clients {
					close(busy)
				}
			}
		})
	}
	<-busy
	h.Stop()
	visitors.Wait()
}

// visit makes a connection for one request.
func visit(addr string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // the hub may have closed it
	if _, err := io.WriteString(c, "GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, a.Body)
	return err
}
