package attack_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// TestR18_AFloodOfAddressesIsBounded is not parallel: it measures memory.
func TestR18_AFloodOfAddressesIsBounded(t *testing.T) { floodOfAddresses(t, 5_000) }

// floodOfAddresses sends one request from each of so many addresses, of both families in turn, and wants the memory that they
// take bounded and whoever is known served all the same.
func floodOfAddresses(t *testing.T, addresses int) {
	t.Helper()
	hubtest.OnlySQLite(t, "the limiter does not ask the database")
	h := hubtest.Start(t, hubtest.Settings{"RATE_LIMIT_GUEST": "10", "RATE_LIMIT_USER": "100", "TRUSTED_PROXIES": "127.0.0.1"})
	p := h.SignUp(t, hub.RoleUser)
	before, logged := heap(), len(h.Log.String())

	c := h.Dial(t)
	if err := c.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	go func() {
		w := bufio.NewWriter(c)
		for i := range addresses {
			fmt.Fprintf(w, "GET /api/v1/nothing HTTP/1.1\r\nHost: hub\r\nX-Forwarded-For: %s\r\n\r\n", address(i))
		}
		_ = w.Flush() // the reader notices
	}()
	r, count := bufio.NewReader(c), map[int]int{}
	for i := range addresses {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, a.Body); err != nil {
			t.Fatal(err)
		}
		count[a.StatusCode]++
	}
	if count[http.StatusNotFound]+count[http.StatusTooManyRequests] != addresses || count[http.StatusNotFound] < addresses/2 {
		t.Errorf("statuses %v, want 404, or 429 for those who have to share", count)
	}
	log := uint64(len(h.Log.String()) - logged)
	if grown := heap() - min(before, heap()); grown > 48<<20+3*log { // 100,000 windows take 25 MB; the test keeps the log
		t.Errorf("%d addresses took %d MiB", addresses, grown>>20)
	}
	for i := range 50 {
		h.Me(t, p.AccessToken).Want(t, http.StatusOK)
		if i < 5 {
			h.Login(t, p.Email, hubtest.Password)
		}
	}
}

// TestRTL14_RefusalsAreCheap is not parallel: it measures memory and time.
func TestRTL14_RefusalsAreCheap(t *testing.T) { // RTL-20
	hubtest.OnlySQLite(t, "the limiter does not ask the database")
	h := hubtest.Start(t, hubtest.Settings{"RATE_LIMIT_GUEST": "10", "LOGIN_MAX_FAILURES": "0"})
	const requests = 2000
	text := fill(`{"email":"a@example.com","password":"`, "a", `"}`)
	request := fmt.Appendf(nil, "POST /api/v1/auth/login HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	c := &bare{h: h}
	count := map[int]int{}
	var before, after runtime.MemStats
	for range 20 { // the last of them are refused
		count[c.send(t, request)]++
	}
	h.Log.Forget()
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range requests {
		count[c.send(t, request)]++
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if count[http.StatusTooManyRequests] != requests+10 {
		t.Errorf("statuses %v, want all but 10 refused", count)
	}
	if each := took / requests; each > 10*time.Millisecond {
		t.Errorf("a refusal took %v", each)
	}
	if each := (after.TotalAlloc - before.TotalAlloc) / requests; each > 64<<10 {
		t.Errorf("a refusal took %d bytes", each)
	}
	if lines := strings.Count(h.Log.String(), "\n"); lines > requests {
		t.Errorf("%d lines of log for %d refusals", lines, requests)
	}
}

// address returns the i-th address: IPv4, or IPv6 of a /64 of its own.
func address(i int) string {
	if i%2 == 0 {
		return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
	}
	return fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff)
}

// heap returns what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
