package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestR36_KillBetweenTheStepsOfADualWrite kills the hub at random moments under load. Whoever starts next finds every
// acknowledged write, and what was not copied is copied.
func TestR36_KillBetweenTheStepsOfADualWrite(t *testing.T) {
	t.Parallel()
	killRounds(t, 15)
}

func killRounds(t *testing.T, rounds int) {
	const clients = 6
	d := newDatabases(t, testdb.MySQL(t))
	d.drop()
	d.createRoot("root@example.com") // so that the schemas are there
	random := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	var all []*account
	for round := range rounds {
		s := serve(t, dir, d.settings("MIGRATE=false")...)
		for _, a := range all {
			a.check(t, s)
		}
		all = use(s, fmt.Sprintf("round%d", round), clients, func() {
			pass(t, time.Duration(20+random.IntN(400))*time.Millisecond)
			s.kill()
		})
	}
	s := serve(t, dir, d.settings("MIGRATE=false")...)
	for _, a := range all {
		a.check(t, s)
	}
	d.wantEqual()
	if code := s.terminate(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, s.log)
	}
}

// use lets clients live until the end has come.
func use(s *server, prefix string, clients int, end func()) []*account {
	accounts := make([]*account, clients)
	var group sync.WaitGroup
	stop := make(chan struct{})
	for i := range accounts {
		accounts[i] = &account{email: fmt.Sprintf("%s-%d@example.com", prefix, i), firstName: "Ada"}
		group.Go(func() { accounts[i].live(s, stop) })
	}
	end()
	close(stop)
	group.Wait()
	return accounts
}

// TestFLT04_KillMongoDBUnderLoad kills MongoDB, not the hub, three times: what it had acknowledged it still has.
func TestFLT04_KillMongoDBUnderLoad(t *testing.T) {
	t.Parallel()
	server := testdb.StartMongoDB(t)
	url, name := server.MongoDB()
	d := newDatabasesOn(t, url, name, testdb.MySQL(t))
	s := serve(t, t.TempDir(), d.settings()...)
	var all []*account
	for round := range 3 {
		all = append(all, use(s, fmt.Sprintf("round%d", round), 6, func() {
			pass(t, time.Second)
			server.Kill()
		})...)
		server.Start()
		waitFor(t, func() string {
			if status, answer := s.try("POST", "/api/v1/auth/login", "", map[string]string{"email": "nobody@example.com", "password": testPassword}); status != 401 {
				return "the hub is not back: " + string(answer)
			}
			return ""
		})
		for _, a := range all {
			a.check(t, s)
		}
	}
	d.wantEqual()
}
