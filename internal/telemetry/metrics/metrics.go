package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/a64core/hub"
)

// prefix begins every name that is ours.
const prefix = "a64core_"

// Metrics counts. It is safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	requests   *requests
	inFlight   prometheus.Gauge
	events     *prometheus.CounterVec
	logins     *prometheus.CounterVec
	refusals   map[hub.Role]prometheus.Counter
	hashWait   prometheus.Histogram
	turnedAway prometheus.Counter
}

// Build says what runs.
type Build struct{ Version, Revision, Go string }

// New returns Metrics that have counted nothing yet.
func New(b Build) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: newRequests(),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: prefix + "http_requests_in_flight", Help: "Requests that are being answered.",
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "events_total", Help: "Events of the audit trail, by kind.",
		}, []string{"kind"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "logins_total", Help: "Logins whose password was looked at or refused unseen, by outcome.",
		}, []string{"outcome"}),
		refusals: make(map[hub.Role]prometheus.Counter),
		hashWait: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "password_hash_wait_seconds", Help: "How long passwords waited for their turn to be hashed.",
			Buckets: []float64{.001, .01, .05, .1, .25, .5, 1, 2.5, 5},
		}),
		turnedAway: prometheus.NewCounter(prometheus.CounterOpts{
			Name: prefix + "password_hash_refusals_total", Help: "Passwords that were not hashed because too many were waiting, or waited too long.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: prefix + "build_info", Help: "What runs; always 1.",
		ConstLabels: prometheus.Labels{"version": b.Version, "revision": b.Revision, "goversion": b.Go},
	})
	build.Set(1)
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "rate_limit_refusals_total", Help: "Requests refused by a limit, by the role that it is for.",
	}, []string{"role"})
	for _, role := range hub.Roles() {
		m.refusals[role] = refusals.WithLabelValues(role.String())
	}
	for _, outcome := range loginOutcomes() { // so that the first one counts in a rate
		m.logins.WithLabelValues(outcome)
	}
	m.registry.MustRegister(
		m.requests.histogram, m.inFlight, m.events, m.logins, refusals, m.hashWait, m.turnedAway, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler serves what was counted.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxCollecting})
}

// maxCollecting is how many may collect at once.
const maxCollecting = 4

// Began counts a request in.
func (m *Metrics) Began() { m.inFlight.Inc() }

// Answered counts a request out. The route is a pattern, or empty if none matched.
func (m *Metrics) Answered(method, route string, status int, took time.Duration) {
	m.inFlight.Dec()
	m.requests.observe(series{method, route, status}, took)
}

// Limited counts a request that the limit for a role refused.
func (m *Metrics) Limited(role hub.Role) { m.refusals[role].Inc() }

// Happened counts an event that was kept.
func (m *Metrics) Happened(kind hub.EventKind) {
	m.events.WithLabelValues(string(kind)).Inc()
	if outcome := loginOutcome(kind); outcome != "" {
		m.logins.WithLabelValues(outcome).Inc()
	}
}

// Hashing counts a password whose turn to be hashed came.
func (m *Metrics) Hashing(waited time.Duration) { m.hashWait.Observe(waited.Seconds()) }

// TurnedAway counts a password that was not hashed for want of room.
func (m *Metrics) TurnedAway() { m.turnedAway.Inc() }

// loginOutcome returns the outcome that an event tells, or nothing if it is about something else.
func loginOutcome(kind hub.EventKind) string {
	switch kind {
	case hub.EventSessionStarted:
		return "success"
	case hub.EventLoginFailed, hub.EventLoginLocked: // the latter is the failure that locks
		return "failed"
	case hub.EventLoginRefused:
		return "locked"
	case hub.EventLoginInactive:
		return "inactive"
	}
	return ""
}

func loginOutcomes() []string { return []string{"success", "failed", "locked", "inactive"} }
