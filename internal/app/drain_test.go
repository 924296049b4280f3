package app_test

import (
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/a64core/hub/internal/hubtest"
)

// TestADrainingHubSaysSoAndGoesOn has a balancer's view of a shutdown: first /api/ready says so while everything is served,
// then the port closes.
func TestADrainingHubSaysSoAndGoesOn(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	h := hubtest.Start(t, hubtest.Settings{"SHUTDOWN_DELAY": delay.String()})
	ready := hubtest.Request{Method: http.MethodGet, Path: "/api/ready"}
	if status := h.Do(t, ready).Want(t, http.StatusOK).JSON(t)["status"]; status != "ready" {
		t.Errorf("before: %v", status)
	}
	began := time.Now()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		h.Stop()
	}()
	drained := false
	for time.Since(began) < delay {
		answer, err := h.Try(t, ready)
		if err != nil {
			break // the delay is over, on a busy machine perhaps before it is here
		}
		if answer.Status == http.StatusOK {
			continue // it has not heard yet
		}
		if status := answer.Want(t, http.StatusServiceUnavailable).JSON(t)["status"]; status != "draining" {
			t.Fatalf("meanwhile: %v", status)
		}
		drained = true
		if health, err := h.Try(t, hubtest.Request{Method: http.MethodGet, Path: "/api/health"}); err == nil && health.Status != http.StatusOK {
			t.Fatalf("while draining, others get %d", health.Status)
		}
	}
	if !drained {
		t.Error("the hub never said that it was draining")
	}
	<-stopped
	if took := time.Since(began); took < delay {
		t.Errorf("the hub was gone after %v, before SHUTDOWN_DELAY", took)
	}
	if conn, err := net.Dial("tcp", h.Addr()); err == nil {
		_ = conn.Close()
		t.Error("the port is still open")
	}
}
