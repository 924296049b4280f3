package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// account is what a client knows of its account from the answers it got.
type account struct {
	email        string
	acknowledged bool     // the registration was answered 201
	access       string   // of the last login or refresh that was answered
	refresh      string   // the token of that answer
	asked        bool     // a refresh with it was sent and not answered
	firstName    string   // as the last answered PATCH left it
	maybe        []string // first names of PATCHes that were not answered
}

// TestR36_KillLosesNoAcknowledgedWrite is FLT-01: the server is killed at a random moment under mixed load,
// 50 times, and everything it answered is there afterwards.
func TestR36_KillLosesNoAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	const rounds, clients = 50, 6
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2)) // the schedule is random; the moments of the kills are fixed
	var all []*account
	for round := range rounds {
		s := serve(t, dir)
		for _, a := range all {
			a.check(t, s)
		}
		fresh := make([]*account, clients)
		var group sync.WaitGroup
		stop := make(chan struct{})
		for i := range fresh {
			fresh[i] = &account{email: fmt.Sprintf("r%d-c%d@example.com", round, i), firstName: "Ada"}
			group.Go(func() { fresh[i].live(s, stop) })
		}
		timer := time.NewTimer(time.Duration(5+random.IntN(120)) * time.Millisecond)
		<-timer.C
		s.kill()
		close(stop)
		group.Wait()
		all = append(all[max(0, len(all)-2*clients):], fresh...) // older ones were checked twice
	}
	s := serve(t, dir)
	for _, a := range all {
		a.check(t, s)
	}
	if code := s.terminate(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0\n%s", code, s.log)
	}
}

// live uses the account until the server is gone.
func (a *account) live(s *server, stop <-chan struct{}) {
	status, _ := s.try("POST", "/api/v1/auth/register", "", map[string]string{
		"email": a.email, "password": testPassword, "firstName": a.firstName, "lastName": "Lovelace",
	})
	if a.acknowledged = status == 201; !a.acknowledged || !a.login(s) {
		return
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		name := fmt.Sprintf("Ada %d", n)
		status, _ := s.try("PATCH", "/api/v1/users/me", a.access, map[string]string{"firstName": name})
		if status != 200 {
			a.maybe = append(a.maybe, name)
			return
		}
		a.firstName = name
		status, answer := s.try("POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh})
		if status != 200 {
			a.asked = true
			return
		}
		a.take(answer)
	}
}

func (a *account) login(s *server) bool {
	status, answer := s.try("POST", "/api/v1/auth/login", "", map[string]string{"email": a.email, "password": testPassword})
	return status == 200 && a.take(answer)
}

func (a *account) take(answer []byte) bool {
	var tokens struct{ AccessToken, RefreshToken string }
	if json.Unmarshal(answer, &tokens) != nil {
		return false
	}
	a.access, a.refresh, a.asked = tokens.AccessToken, tokens.RefreshToken, false
	return true
}

// check compares the account with what the client was told.
func (a *account) check(t *testing.T, s *server) {
	t.Helper()
	if !a.acknowledged { // it is there whole, or not at all
		status, answer := s.try("POST", "/api/v1/auth/register", "", map[string]string{
			"email": a.email, "password": testPassword, "firstName": a.firstName, "lastName": "Lovelace",
		})
		if status != 201 && status != 409 {
			t.Errorf("%s: registering again: %d %s", a.email, status, answer)
		}
		a.acknowledged = true
		return
	}
	if a.refresh != "" {
		// Answered or not, the token gives its one successor: the grace covers the restart.
		status, answer := s.try("POST", "/api/v1/auth/refresh", "", map[string]string{"refreshToken": a.refresh})
		if status != 200 {
			t.Errorf("%s: the session is lost (its last refresh unanswered: %v): %d %s", a.email, a.asked, status, answer)
		} else {
			a.take(answer)
		}
	}
	if !a.login(s) {
		t.Errorf("%s: an acknowledged account cannot log in", a.email)
		return
	}
	_, answer := s.try("GET", "/api/v1/auth/me", a.access, nil)
	var me struct{ FirstName string }
	if err := json.Unmarshal(answer, &me); err != nil {
		t.Errorf("%s: auth/me: %s", a.email, answer)
		return
	}
	if me.FirstName != a.firstName && !strings.Contains("\n"+strings.Join(a.maybe, "\n")+"\n", "\n"+me.FirstName+"\n") {
		t.Errorf("%s: first name %q, want %q, or one of %q", a.email, me.FirstName, a.firstName, a.maybe)
	}
	a.firstName, a.maybe = me.FirstName, nil
}
