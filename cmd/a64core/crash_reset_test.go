package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// FLT-03: the server is killed at a random moment of a password reset. Afterwards either the former password works and
// the reset can be made still, or the new one does, the sessions are over and the token is spent.
func TestR32_KillDuringResetLeavesOneOfTwoPasswords(t *testing.T) {
	t.Parallel()
	const rounds, newPassword = 20, "Another-Password-8-Here"
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4)) // the moments of the kills are fixed, not what happens until then
	outcomes := make(map[string]int)
	s := serve(t, dir)
	accounts := registerMany(t, s, rounds)
	resets := make([]map[string]string, rounds)
	for i, a := range accounts {
		s.want(t, 200, "POST", "/api/v1/auth/request-password-reset", "", map[string]string{"email": a.email})
		resets[i] = map[string]string{"newPassword": newPassword}
	}
	for i, a := range accounts {
		resets[i]["token"] = s.log.wait(t, `to=`+a.email+` subject="[^"]*" link="?\S*/reset-password\?token=([\w.-]+)`)
	}
	for i, a := range accounts {
		reset := resets[i]
		answered := make(chan int, 1)
		go func() {
			status, _ := s.try("POST", "/api/v1/auth/reset-password", "", reset)
			answered <- status
		}()
		moment := time.NewTimer(time.Duration(random.IntN(2500)) * time.Microsecond)
		<-moment.C
		s.kill()
		status := <-answered
		s = serve(t, dir)

		login, _ := s.try("POST", "/api/v1/auth/login", "", map[string]string{"email": a.email, "password": newPassword})
		changed := login == 200
		if status == 200 && !changed {
			t.Errorf("%s: the reset was acknowledged and is lost", a.email)
		}
		session := a.status(s, "/api/v1/auth/me")
		if !changed && !a.login(s) {
			t.Errorf("%s: neither password works", a.email)
		}
		again, _ := s.try("POST", "/api/v1/auth/reset-password", "", reset)
		want, outcome := [2]int{200, 200}, "not made" // what the session and the token answer
		if changed {
			want, outcome = [2]int{401, 400}, "made"
			if a.login(s) {
				t.Errorf("%s: both passwords work", a.email)
			}
		}
		if got := [2]int{session, again}; got != want {
			t.Errorf("%s: the reset was %s; its session and the token answer %v, want %v", a.email, outcome, got, want)
		}
		outcomes[outcome]++
	}
	t.Log("resets:", outcomes)
}
