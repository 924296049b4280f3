package metrics

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// series is one combination of labels.
type series struct {
	method, route string
	status        int
}

// requests is the histogram of requests. The library finds a series by hashing all its labels; here each request finds its
// own in a map that is replaced, never changed, so that nobody waits.
type requests struct {
	histogram *prometheus.HistogramVec

	mu    sync.Mutex // held to replace known
	known atomic.Pointer[map[series]prometheus.Observer]
}

func newRequests() *requests {
	r := &requests{histogram: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: prefix + "http_request_duration_seconds", Help: "Requests by method, route and status, and how long they took until they were answered.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})}
	r.known.Store(new(map[series]prometheus.Observer))
	return r
}

func (r *requests) observe(s series, took time.Duration) {
	s = s.bounded()
	observer, ok := (*r.known.Load())[s]
	if !ok {
		observer = r.add(s)
	}
	observer.Observe(took.Seconds())
}

// add makes a series known.
func (r *requests) add(s series) prometheus.Observer {
	r.mu.Lock()
	defer r.mu.Unlock()
	observer := r.histogram.WithLabelValues(s.method, s.route, strconv.Itoa(s.status))
	known := maps.Clone(*r.known.Load())
	if known == nil {
		known = make(map[series]prometheus.Observer)
	}
	known[s] = observer
	r.known.Store(&known)
	return observer
}

// bounded returns the series with what a client may choose freely reduced to a few values.
func (s series) bounded() series {
	if s.route == "" {
		s.route = "none"
	}
	switch s.method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodPut:
	default:
		s.method = "other"
	}
	return s
}
