package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/a64core/hub"
)

// Sources are asked whenever somebody collects. All but Stats answer at once; a source that there is not is nil.
type Sources struct {
	Ready   func(context.Context) (checks map[string]string, ready bool)
	Pools   func() []hub.Pool
	Hashing func() (running, waiting, workers int)
	Replica func() Replica
	Redis   func() Redis
	// Stats counts rows in the database. It is asked every 15 seconds at most.
	Stats func(context.Context) (hub.Stats, error)
}

// Replica is the state of two databases.
type Replica struct {
	PrimaryAway, SecondaryAway bool
	StandIn                    bool // the second can answer reads in the first's place
	Pending                    int  // changes
	Lag                        time.Duration
}

// Redis is the state of the limits that instances share.
type Redis struct {
	Away         bool
	Outages      int64
	DecidedAlone int64
}

const (
	statsMaxAge  = 15 * time.Second // counting a million rows takes the database longer than a look at an index
	statsTimeout = 5 * time.Second
	readyTimeout = 3 * time.Second
)

// Watch has the sources collected from now on. It is called once.
func (m *Metrics) Watch(s Sources) { m.registry.MustRegister(&watcher{Sources: s}) }

// watcher is a [prometheus.Collector] of what the sources say. What cannot be had is left out.
type watcher struct {
	Sources

	mu    sync.Mutex
	asked time.Time
	stats *hub.Stats // nil: could not be had
}

// fact is a metric whose value is asked for.
type fact struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) fact {
	return fact{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) fact {
	return fact{prometheus.NewDesc(prefix+name, help, labels, nil), prometheus.CounterValue}
}

// facts are all that a watcher can tell.
type facts struct {
	ready, dependency                         fact
	poolInUse, poolIdle, poolMax              fact
	hashing, hashQueue, hashWorkers           fact
	primaryUp, secondaryUp, standIn           fact
	pending, lag                              fact
	redisUp, redisOutages, redisAlone         fact
	users, deleted, verified, sessions, mails fact
}

func allFacts() facts {
	return facts{
		ready:       gauge("ready", "Whether this instance can serve: 1 or 0."),
		dependency:  gauge("dependency_state", "1 for the state that a dependency is in, 0 for the others.", "dependency", "state"),
		poolInUse:   gauge("database_connections_in_use", "Connections to a database that work.", "database"),
		poolIdle:    gauge("database_connections_idle", "Connections to a database that wait for work.", "database"),
		poolMax:     gauge("database_connections_max", "How many connections to a database there may be.", "database"),
		hashing:     gauge("password_hashes_running", "Passwords that are being hashed."),
		hashQueue:   gauge("password_hashes_waiting", "Passwords that wait to be hashed."),
		hashWorkers: gauge("password_hash_workers", "How many passwords are hashed at a time."),
		primaryUp:   gauge("replica_primary_up", "Whether the database that decides answers: 1 or 0."),
		secondaryUp: gauge("replica_secondary_up", "Whether the second database answers: 1 or 0."),
		standIn:     gauge("replica_stand_in", "Whether the second database has what it takes to answer reads if the first goes away: 1 or 0."),
		pending:     gauge("replica_pending_changes", "Changes that the second database has not got yet."),
		lag:         gauge("replica_lag_seconds", "Age of the oldest change that the second database has not got yet."),
		redisUp:     gauge("redis_up", "Whether limits are shared through Redis now: 1 or 0."),

		redisOutages: counter("redis_outages_total", "How often Redis went away."),
		redisAlone:   counter("redis_decided_alone_total", "Limit decisions that this instance made without Redis."),

		users:    gauge("users", "Users that are not deleted, by role and by whether they may sign in.", "role", "state"),
		verified: gauge("users_verified", "Users that are not deleted and have verified their address, by role.", "role"),
		deleted:  gauge("users_deleted", "Users that are deleted and may still be restored."),
		sessions: gauge("sessions", "Sessions that have neither ended nor expired."),
		mails:    gauge("mails", "Mails in the queue and its record, by state.", "state"),
	}
}

// Describe implements [prometheus.Collector]. What is told depends on what there is, so nothing is promised.
func (w *watcher) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (w *watcher) Collect(to chan<- prometheus.Metric) {
	f := allFacts()
	tell := func(f fact, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
	}
	w.collectReady(f, tell)
	w.collectWork(f, tell)
	if w.Replica != nil {
		r := w.Replica()
		tell(f.primaryUp, number(!r.PrimaryAway))
		tell(f.secondaryUp, number(!r.SecondaryAway))
		tell(f.standIn, number(r.StandIn))
		tell(f.pending, float64(r.Pending))
		tell(f.lag, r.Lag.Seconds())
	}
	if w.Redis != nil {
		r := w.Redis()
		tell(f.redisUp, number(!r.Away))
		tell(f.redisOutages, float64(r.Outages))
		tell(f.redisAlone, float64(r.DecidedAlone))
	}
	if stats := w.counted(); stats != nil {
		collectStats(f, tell, stats)
	}
}

type teller func(f fact, value float64, labels ...string)

func (w *watcher) collectReady(f facts, tell teller) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	checks, ready := w.Ready(ctx)
	tell(f.ready, number(ready))
	for dependency, state := range checks {
		for _, s := range []string{"healthy", "degraded", "unhealthy"} {
			tell(f.dependency, number(s == state), dependency, s)
		}
	}
}

func (w *watcher) collectWork(f facts, tell teller) {
	for _, p := range w.Pools() {
		tell(f.poolInUse, float64(p.InUse), p.Engine)
		tell(f.poolIdle, float64(p.Idle), p.Engine)
		tell(f.poolMax, float64(p.Max), p.Engine)
	}
	running, waiting, workers := w.Hashing()
	tell(f.hashing, float64(running))
	tell(f.hashQueue, float64(waiting))
	tell(f.hashWorkers, float64(workers))
}

func collectStats(f facts, tell teller, stats *hub.Stats) {
	for _, u := range stats.Users {
		tell(f.users, float64(u.Active), u.Role.String(), "active")
		tell(f.users, float64(u.Inactive), u.Role.String(), "inactive")
		tell(f.verified, float64(u.Verified), u.Role.String())
	}
	tell(f.deleted, float64(stats.Deleted))
	tell(f.sessions, float64(stats.Sessions))
	for _, state := range []hub.MailState{hub.MailQueued, hub.MailSent, hub.MailDropped, hub.MailDead} {
		tell(f.mails, float64(stats.Mails[state]), string(state))
	}
}

// counted returns the counts, at most [statsMaxAge] old, or nil.
func (w *watcher) counted() *hub.Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.asked.IsZero() && time.Since(w.asked) < statsMaxAge {
		return w.stats
	}
	ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
	defer cancel()
	w.stats = nil
	if stats, err := w.Stats(ctx); err == nil {
		w.stats = &stats
	}
	w.asked = time.Now()
	return w.stats
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
