package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// An answer that never comes must not end a run, nor look like one that came.
func TestLostAnswersAreCounted(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) % 3 {
		case 0:
			panic(http.ErrAbortHandler) // hangs up
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	left := 30
	r, err := load(t.Context(), server.Listener.Addr().String(), 1, time.Minute, 200, func(int) func([]byte) request {
		return func([]byte) request {
			if left--; left < 0 {
				return nil
			}
			return newRequest("GET", "/", "", nil)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.statuses[200] != 10 || r.statuses[503] != 10 || r.statuses[lost] != 10 || len(r.latencies) != 10 {
		t.Errorf("%v, %d latencies", r.statuses, len(r.latencies))
	}
}

// TestAServerThatAcceptsNobodyIsCounted has the time be over before there is a connection.
func TestAServerThatAcceptsNobodyIsCounted(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	now := func(int) time.Time { return time.Now() }
	latencies, statuses, err := drive(ctx, server.Listener.Addr().String(), now, time.Now().Add(time.Minute), 200, always(newRequest("GET", "/", "", nil))(0))
	if err != nil || len(latencies) != 0 || len(statuses) != 1 || statuses[lost] != 1 {
		t.Errorf("%d latencies, statuses %v, %v; want one that was lost", len(latencies), statuses, err)
	}
}
