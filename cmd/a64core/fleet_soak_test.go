//go:build soak && linux

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestSoakR39_AFleetOutlivesItsServers keeps three instances behind nginx busy for ten minutes, in which instances are restarted
// and MySQL, Redis and the way to MongoDB go away, one after the other and again and again. Only while MongoDB is away may a
// request be refused. In the end nothing is lost, both databases are equal, and an instance that was there all the time has not grown.
func TestSoakR39_AFleetOutlivesItsServers(t *testing.T) {
	t.Parallel()
	const length = 10 * time.Minute
	mysql, redis := testdb.StartMySQL(t), testdb.StartRedis(t)
	d := newDatabases(t, mysql.MySQL())
	d.drop()
	f := &fleet{t: t, settings: d.settings(
		"TRUSTED_PROXIES=127.0.0.1", "SHUTDOWN_TIMEOUT=30s", "METRICS_ADDR=127.0.0.1:0", "REDIS_URL=redis://"+redis.Addr(),
		"RATE_LIMIT_GUEST=1000000", "RATE_LIMIT_USER=1000000", "RATE_LIMIT_ADMIN=1000000", "RATE_LIMIT_SUPER_ADMIN=1000000",
	)}
	f.startAll()
	s := balance(t, "nginx", f).client(t, "127.0.0.1")
	root := d.root(f.instances[0])
	begun := time.Now()
	before := sizeOf(t, f.instances[0])
	c := gather(t, s, root, "soak", 3)
	accounts := c.keepSessions(3)
	probe := s.register(t, "probe@example.com")
	var warm size
	for round := 0; time.Since(begun) < length; round++ {
		f.restart(1 + round%2)
		mysql.Kill()
		c.stay(10 * time.Second)
		mysql.Start()
		redis.Kill()
		c.stay(5 * time.Second)
		redis.Start()
		c.excuse(true)
		if round%2 == 0 {
			d.toMongo.Refuse()
		} else {
			d.toMongo.BlackHole()
		}
		c.stay(10 * time.Second)
		d.toMongo.Restore()
		for _, instance := range f.instances { // each finds it again by itself
			wantRecovery(t, instance, probe)
		}
		c.stay(5 * time.Second) // what was asked before may be refused only now
		c.excuse(false)
		c.stay(10 * time.Second)
		now := sizeOf(t, f.instances[0])
		if round == 0 {
			warm = now
		}
		t.Logf("%v: round %d done, %v; %v", time.Since(begun).Round(time.Second), round, c, now)
	}
	c.leave()
	c.wantNoOddAnswer()
	pass(t, 1100*time.Millisecond) // what one instance ended may be alive at another for a second
	c.wantKept(d.wantEqual())
	for _, a := range accounts {
		s.want(t, 200, "POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh})
	}
	wantNotGrown(t, f.instances[0], before, warm)
}

// excuse has refusals be no fault for a time: while the database that decides is away.
func (c *crowd) excuse(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.excused = yes
}

// size is what a process takes.
type size struct {
	goroutines int
	memory     int // resident, in bytes
}

func (s size) String() string {
	return fmt.Sprintf("%d goroutines, %d MiB", s.goroutines, s.memory>>20)
}

// sizeOf asks the instance's metrics.
func sizeOf(t *testing.T, s *server) size {
	t.Helper()
	return size{s.metric(t, "go_goroutines"), s.metric(t, "process_resident_memory_bytes")}
}

// wantNotGrown compares an instance that has nothing to do any more with what it was before it had, and with what it took at work.
func wantNotGrown(t *testing.T, s *server, idle, busy size) {
	t.Helper()
	const connections = 40 // of the pools, which each have a goroutine and stay for a while
	waitFor(t, func() string {
		if now := sizeOf(t, s); now.goroutines > idle.goroutines+connections {
			return fmt.Sprintf("%v, at first %v", now, idle)
		}
		return ""
	})
	now := sizeOf(t, s)
	if most := busy.memory*3/2 + 32<<20; now.memory > most {
		t.Errorf("%v, and %v after a minute at work", now, busy)
	}
	t.Logf("at first %v, at work %v, in the end %v", idle, busy, now)
}
