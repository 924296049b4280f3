package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestFLT05_MySQLIsDownUnderLoad stops MySQL, and in another hub kills it: no request fails because of that, and when it is
// back both sides become equal.
func TestFLT05_MySQLIsDownUnderLoad(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testdb.Server){"stopped": (*testdb.Server).Stop, "killed": (*testdb.Server).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mysqlDown(t, end, 6*time.Second)
		})
	}
}

func mysqlDown(t *testing.T, end func(*testdb.Server), away time.Duration) {
	server := testdb.StartMySQL(t)
	d := newDatabases(t, server.MySQL())
	d.drop()
	s := serve(t, t.TempDir(), d.settings()...)
	root := d.root(s)
	c := gather(t, s, root, "down", 6)
	c.stay(time.Second)
	end(server)
	c.stay(away)
	wantReady(t, s, "healthy", "degraded")
	if pending := pending(t, s, root); pending == 0 {
		t.Error("nothing waits to be copied")
	} else {
		t.Logf("%d records wait to be copied", pending)
	}
	server.Start()
	c.stay(2 * time.Second)
	c.leave()
	c.wantNoOddAnswer()
	c.wantKept(d.wantEqual())
	wantReady(t, s, "healthy", "healthy")
	// A server that is asked to stop may take a copy after it has refused some.
	wantLogged(t, s, secondaryOut, 2)
	wantLogged(t, s, secondaryBack, 2)
}

// TestR37_MySQLIsSlow lets every answer of MySQL come two seconds late: requests do not wait for them.
func TestR37_MySQLIsSlow(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]time.Duration{"2s": 2 * time.Second, "300ms": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabases(t, testdb.MySQL(t))
			d.drop()
			s := serve(t, t.TempDir(), d.settings()...)
			c := gather(t, s, d.root(s), "slow", 4)
			c.stay(3 * time.Second)
			before, _ := c.p95("PATCH")
			d.toMySQL.Delay(late)
			c.stay(2 * time.Second)
			first, longest := c.p95("PATCH")
			c.stay(4 * time.Second)
			later, alsoLongest := c.p95("PATCH")
			d.toMySQL.Restore()
			c.leave()
			t.Logf("95 of 100 PATCHes took at most %v before, %v at first, %v later; the longest %v", before, first, later, max(longest, alsoLongest))
			if longest = max(longest, alsoLongest); longest > time.Second+2*before {
				t.Errorf("a PATCH took %v", longest)
			}
			if later > 2*before+100*time.Millisecond {
				t.Errorf("most PATCHes took up to %v when MySQL was known to be slow, %v before", later, before)
			}
			c.wantNoOddAnswer()
			c.wantKept(d.wantEqual())
			wantLogged(t, s, secondaryOut, 3) // a busy machine is slow by itself for a moment
			wantLogged(t, s, secondaryBack, 3)
		})
	}
}

// TestR36_MySQLFreezesAndThaws stops MySQL in the middle of its statements, which it carries out seconds later, when newer
// changes have been made.
func TestR36_MySQLFreezesAndThaws(t *testing.T) {
	t.Parallel()
	server := testdb.StartMySQL(t)
	d := newDatabases(t, server.MySQL())
	d.drop()
	s := serve(t, t.TempDir(), d.settings()...)
	c := gather(t, s, d.root(s), "frozen", 6)
	for range 3 {
		c.stay(time.Second)
		server.Freeze()
		c.stay(2500 * time.Millisecond)
		server.Thaw()
	}
	c.stay(time.Second)
	c.leave()
	c.wantNoOddAnswer()
	c.wantKept(d.wantEqual())
}

const (
	secondaryOut  = `the secondary database (is away|takes no changes)`
	secondaryBack = "the secondary database is back"
)

// root makes an account that may do everything, and signs it in.
func (d *databases) root(s *server) *account {
	d.t.Helper()
	a := &account{email: "root@example.com"}
	d.createRoot(a.email)
	if !a.login(s) {
		d.t.Fatal("root cannot log in")
	}
	return a
}

// wantReady wants the hub to be ready, and to say this of its databases.
func wantReady(t *testing.T, s *server, mongodb, mysql string) {
	t.Helper()
	waitFor(t, func() string {
		status, answer := s.try("GET", "/api/ready", "", nil)
		var got struct{ Checks map[string]string }
		if err := json.Unmarshal(answer, &got); err != nil || status != 200 || got.Checks["mongodb"] != mongodb || got.Checks["mysql"] != mysql {
			return "ready: " + string(answer)
		}
		return ""
	})
}

// wantLogged wants a line in the log, and at most so many of them, however many requests there were.
func wantLogged(t *testing.T, s *server, pattern string, most int) {
	t.Helper()
	if n := len(regexp.MustCompile(pattern).FindAllString(s.log.String(), -1)); n == 0 || n > most {
		t.Errorf("%q is in the log %d times, want at most %d", pattern, n, most)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, "level=ERROR") || strings.Contains(line, "database is") {
				t.Log(line)
			}
		}
	})
}

// pending returns how many records the hub says are still to be copied.
func pending(t *testing.T, s *server, root *account) int {
	t.Helper()
	var stats struct{ ReplicationPending int }
	if err := json.Unmarshal(s.want(t, 200, "GET", "/api/v1/system/stats", root.access, nil), &stats); err != nil {
		t.Fatal(err)
	}
	return stats.ReplicationPending
}
