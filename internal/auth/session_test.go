package auth_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// dead fails the test unless both tokens are worthless.
func dead(t *testing.T, h *hubtest.Hub, what string, tokens hubtest.Tokens) {
	t.Helper()
	if a := h.Me(t, tokens.AccessToken); a.Status != http.StatusUnauthorized {
		t.Errorf("%s: auth/me answered %d, want 401", what, a.Status)
	}
	if a := h.Refresh(t, tokens.RefreshToken); a.Status != http.StatusUnauthorized {
		t.Errorf("%s: refresh answered %d, want 401", what, a.Status)
	}
}

// alive fails the test unless the access token works.
func alive(t *testing.T, h *hubtest.Hub, what string, tokens hubtest.Tokens) {
	t.Helper()
	if a := h.Me(t, tokens.AccessToken); a.Status != http.StatusOK {
		t.Errorf("%s: auth/me answered %d, want 200: %s", what, a.Status, a.Body)
	}
}

func refreshed(t *testing.T, h *hubtest.Hub, token string) hubtest.Tokens {
	t.Helper()
	var tokens hubtest.Tokens
	h.Refresh(t, token).Want(t, http.StatusOK).Into(t, &tokens)
	return tokens
}

func logout(t *testing.T, h *hubtest.Hub, access string, body any) hubtest.Answer {
	t.Helper()
	return h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/logout", Token: access, Body: body})
}

func TestR05_EachRefreshGivesNewTokensThatWork(t *testing.T) { // SES-01, SES-32
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	login := h.Stored(t, p.ID).LastLoginAt
	seen := map[string]bool{p.AccessToken: true, p.RefreshToken: true}
	last := p.Tokens
	for range 5 {
		h.Clock.Step(time.Minute)
		a := h.Refresh(t, last.RefreshToken).Want(t, http.StatusOK)
		a.Into(t, &last)
		if a.Header.Get("Cache-Control") != "no-store" || last.ExpiresIn != 3600 {
			t.Errorf("Cache-Control %q, expiresIn %d; want no-store, 3600", a.Header.Get("Cache-Control"), last.ExpiresIn)
		}
		if seen[last.AccessToken] || seen[last.RefreshToken] {
			t.Error("a token came twice")
		}
		seen[last.AccessToken], seen[last.RefreshToken] = true, true
		alive(t, h, "after a refresh", last)
	}
	alive(t, h, "the first access token, after five rotations", p.Tokens) // SES-31
	if got := h.Stored(t, p.ID).LastLoginAt; !got.Equal(login) {
		t.Errorf("refresh moved lastLoginAt from %v to %v", login, got)
	}
}

func TestR05_ParallelRefreshesGiveOneSuccessor(t *testing.T) { // SES-02
	t.Parallel()
	const parallel, rounds = 50, 20
	for _, grace := range []string{"10s", "0s"} {
		t.Run("grace "+grace, func(t *testing.T) {
			t.Parallel()
			h := hubtest.Start(t, hubtest.Settings{"REFRESH_GRACE": grace})
			for range rounds {
				p := h.SignUp(t, hub.RoleUser)
				answers := atOnce(parallel, func() hubtest.Answer { return h.Refresh(t, p.RefreshToken) })
				successors := make(map[string]int)
				for _, a := range answers {
					switch {
					case a.Status == http.StatusOK:
						var tokens hubtest.Tokens
						a.Into(t, &tokens)
						successors[tokens.RefreshToken]++
					case grace == "0s":
						// TOKEN_INVALID is what those get who come after the session died of a reuse.
						if code := a.Code(); a.Status != http.StatusUnauthorized || (code != "TOKEN_REUSED" && code != "TOKEN_INVALID") {
							t.Fatalf("a loser got %d %s", a.Status, code)
						}
					default:
						t.Fatalf("within the grace: %d %s", a.Status, a.Body)
					}
				}
				if len(successors) != 1 {
					t.Fatalf("%d successors, want 1", len(successors))
				}
				for successor, n := range successors {
					if grace == "0s" && n != 1 {
						t.Fatalf("%d callers won, want 1", n)
					}
					if grace != "0s" {
						alive(t, h, "the successor", refreshed(t, h, successor))
					}
				}
			}
		})
	}
}

func TestR06_ReuseAfterTheGraceKillsTheFamilyForGood(t *testing.T) { // SES-04, SES-05, SES-08
	t.Parallel()
	for _, grace := range []string{"10s", "0s"} {
		t.Run("grace "+grace, func(t *testing.T) {
			t.Parallel()
			settings := hubtest.Settings{"REFRESH_GRACE": grace}
			h := hubtest.Start(t, settings)
			p := h.SignUp(t, hub.RoleUser)
			other := h.Login(t, p.Email, hubtest.Password)
			second := refreshed(t, h, p.RefreshToken)
			third := refreshed(t, h, second.RefreshToken)
			if grace != "0s" {
				h.Clock.Step(10*time.Second + time.Millisecond)
			}
			h.Refresh(t, p.RefreshToken).Want(t, http.StatusUnauthorized, "TOKEN_REUSED")
			for what, tokens := range map[string]hubtest.Tokens{"first": p.Tokens, "second": second, "third": third} {
				dead(t, h, what, tokens)
			}
			alive(t, h, "the user's other session", other)

			h.Stop()
			h = h.Again(t, settings)
			dead(t, h, "third, after a restart", third)
			alive(t, h, "the other session, after a restart", other)
		})
	}
}

func TestR06_ARepeatWithinTheGraceGetsTheSameSuccessor(t *testing.T) { // SES-09
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	second := refreshed(t, h, p.RefreshToken)
	third := refreshed(t, h, second.RefreshToken)
	h.Clock.Step(10 * time.Second)
	if again := refreshed(t, h, p.RefreshToken); again.RefreshToken != second.RefreshToken {
		t.Error("the first token's successor is not the same at the second time")
	}
	if again := refreshed(t, h, second.RefreshToken); again.RefreshToken != third.RefreshToken {
		t.Error("the second token's successor is not the same at the second time")
	}
	alive(t, h, "the newest", third)
}

func TestR07_Logout(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	t.Run("of one session, SES-12 SES-16", func(t *testing.T) {
		a := h.SignUp(t, hub.RoleUser)
		b := h.Login(t, a.Email, hubtest.Password)
		logout(t, h, a.AccessToken, map[string]any{"refreshToken": a.RefreshToken}).Want(t, http.StatusOK)
		dead(t, h, "the session logged out", a.Tokens)
		alive(t, h, "the other", b)
		logout(t, h, a.AccessToken, nil).Want(t, http.StatusUnauthorized)
	})
	for name, body := range map[string]any{"no body": nil, "{}": "{}", "null": `{"refreshToken":null}`} {
		t.Run("of all with "+name+", SES-13", func(t *testing.T) {
			a := h.SignUp(t, hub.RoleUser)
			b := h.Login(t, a.Email, hubtest.Password)
			logout(t, h, a.AccessToken, body).Want(t, http.StatusOK)
			dead(t, h, "the caller's", a.Tokens)
			dead(t, h, "the other", b)
		})
	}
	t.Run("with what is no token of the caller's, SES-14 SES-15", func(t *testing.T) {
		a, foreign := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
		b := h.Login(t, a.Email, hubtest.Password)
		for body, want := range map[string]int{
			`{"refreshToken":""}`: 422, `{"refreshToken":5}`: 422, `{"refreshToken":["x"]}`: 422, `{"refreshToken":"garbage"}`: 200,
			`{"refreshToken":"` + foreign.RefreshToken + `"}`: 200, `{"refreshToken":"` + a.AccessToken + `"}`: 200,
		} {
			if got := logout(t, h, a.AccessToken, body); got.Status != want {
				t.Errorf("%.30s: status %d, want %d", body, got.Status, want)
			}
		}
		alive(t, h, "the caller's", a.Tokens)
		alive(t, h, "the caller's other", b)
		alive(t, h, "the foreign", foreign.Tokens)
	})
}

func TestR07_LogoutRacingWithRefreshLeavesNothingAlive(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	for range 30 {
		p := h.SignUp(t, hub.RoleUser)
		var group sync.WaitGroup
		var after hubtest.Tokens
		group.Go(func() { logout(t, h, p.AccessToken, nil) })
		group.Go(func() {
			if a := h.Refresh(t, p.RefreshToken); a.Status == http.StatusOK {
				a.Into(t, &after)
			}
		})
		group.Wait()
		dead(t, h, "as before the race", p.Tokens)
		if after.RefreshToken != "" {
			dead(t, h, "refreshed in the race", after)
		}
	}
}

func TestR08_WhatEndsAnAccountEndsItsSessions(t *testing.T) { // SES-18, SES-19, SES-20
	t.Parallel()
	h := hubtest.Start(t)
	admin := h.SignUp(t, hub.RoleAdmin)
	do := func(method, path string) int {
		return h.Do(t, hubtest.Request{Method: method, Path: path, Token: admin.AccessToken}).Status
	}
	t.Run("deactivated, and activated again", func(t *testing.T) {
		p := h.SignUp(t, hub.RoleUser)
		if got := do("POST", "/api/v1/users/"+p.ID+"/deactivate"); got != 200 {
			t.Fatalf("deactivate: %d", got)
		}
		dead(t, h, "deactivated", p.Tokens)
		h.TryLogin(t, p.Email, hubtest.Password).Want(t, 403, "ACCOUNT_INACTIVE")
		h.TryLogin(t, p.Email, "Wrong-Horse-7-Battery").Want(t, 401, "INVALID_CREDENTIALS")
		if got := do("POST", "/api/v1/users/"+p.ID+"/activate"); got != 200 {
			t.Fatalf("activate: %d", got)
		}
		dead(t, h, "activated again", p.Tokens)
		alive(t, h, "a new session", h.Login(t, p.Email, hubtest.Password))
	})
	t.Run("deleted, and restored", func(t *testing.T) {
		p := h.SignUp(t, hub.RoleUser)
		if got := do("DELETE", "/api/v1/users/"+p.ID); got != 204 {
			t.Fatalf("delete: %d", got)
		}
		dead(t, h, "deleted", p.Tokens)
		h.TryLogin(t, p.Email, hubtest.Password).Want(t, 401, "INVALID_CREDENTIALS")
		if got := do("POST", "/api/v1/users/"+p.ID+"/restore"); got != 200 {
			t.Fatalf("restore: %d", got)
		}
		dead(t, h, "restored", p.Tokens)
	})
	t.Run("by an admin, all sessions", func(t *testing.T) {
		p := h.SignUp(t, hub.RoleUser)
		if got := do("DELETE", "/api/v1/users/"+p.ID+"/sessions"); got != 204 {
			t.Fatalf("end sessions: %d", got)
		}
		dead(t, h, "ended", p.Tokens)
		alive(t, h, "a new session", h.Login(t, p.Email, hubtest.Password))
	})
}

func TestR08_DeactivationRacingWithLoginLeavesNothingAlive(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	admin := h.SignUp(t, hub.RoleAdmin)
	for range 30 {
		p := h.SignUp(t, hub.RoleUser)
		var group sync.WaitGroup
		var after hubtest.Tokens
		group.Go(func() {
			h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/users/" + p.ID + "/deactivate", Token: admin.AccessToken}).Want(t, 200)
		})
		group.Go(func() {
			if a := h.TryLogin(t, p.Email, hubtest.Password); a.Status == http.StatusOK {
				a.Into(t, &after)
			}
		})
		group.Wait()
		if after.RefreshToken != "" {
			dead(t, h, "logged in during the race", after)
		}
	}
}

func TestR09_SessionsEndByTheClock(t *testing.T) { // SES-25, JWT-13
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"ACCESS_TOKEN_TTL": "1h", "REFRESH_TOKEN_TTL": "48h", "SESSION_MAX_AGE": "100h"})
	t.Run("idle", func(t *testing.T) {
		p := h.SignUp(t, hub.RoleUser)
		h.Clock.Step(48*time.Hour + time.Second)
		h.Refresh(t, p.RefreshToken).Want(t, 401, "TOKEN_EXPIRED")
		h.Me(t, p.AccessToken).Want(t, 401, "TOKEN_EXPIRED")
	})
	t.Run("absolute", func(t *testing.T) {
		p := h.SignUp(t, hub.RoleUser)
		last := p.Tokens
		for range 3 {
			h.Clock.Step(30 * time.Hour)
			last = refreshed(t, h, last.RefreshToken)
		}
		h.Clock.Step(9*time.Hour + 30*time.Minute)
		last = refreshed(t, h, last.RefreshToken)
		if last.ExpiresIn > 1801 {
			t.Errorf("the access token outlives the session: %d s", last.ExpiresIn)
		}
		h.Clock.Step(time.Hour)
		dead(t, h, "past its absolute end", last)
	})
}

func TestR09_TheOldestSessionEndsAtTheCap(t *testing.T) { // SES-29
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"MAX_SESSIONS": "3"})
	first := h.SignUp(t, hub.RoleUser)
	var others []hubtest.Tokens
	for range 3 {
		h.Clock.Step(time.Second)
		others = append(others, h.Login(t, first.Email, hubtest.Password))
	}
	dead(t, h, "the oldest", first.Tokens)
	for _, tokens := range others {
		alive(t, h, "a newer one", tokens)
	}
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	a, stranger := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	h.Clock.Step(time.Second)
	b := h.Login(t, a.Email, hubtest.Password)
	list := func(token string) (ids []string, current []bool) {
		var page struct {
			Data []struct {
				SessionID string
				Current   bool
			}
		}
		h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/auth/sessions", Token: token}).Want(t, 200).Into(t, &page)
		for _, s := range page.Data {
			ids, current = append(ids, s.SessionID), append(current, s.Current)
		}
		return ids, current
	}
	ids, current := list(a.AccessToken)
	if len(ids) != 2 || current[0] || !current[1] {
		t.Fatalf("sessions %v, current %v; want two, newest first, the second current", ids, current)
	}
	end := func(token, id string) hubtest.Answer {
		return h.Do(t, hubtest.Request{Method: "DELETE", Path: "/api/v1/auth/sessions/" + id, Token: token})
	}
	end(stranger.AccessToken, ids[0]).Want(t, 404)
	end(a.AccessToken, hub.NewID()).Want(t, 404)
	end(a.AccessToken, "{}").Want(t, 404)
	alive(t, h, "b", b)
	end(a.AccessToken, ids[0]).Want(t, 204)
	dead(t, h, "b, ended", b)
	end(a.AccessToken, ids[0]).Want(t, 404)
	alive(t, h, "a", a.Tokens)
}

func TestR35_KeysRotate(t *testing.T) { // JWT-31
	t.Parallel()
	const newKey = "another-key-0123456789-abcdefghijklmnopqrstuvwxyz"
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	h.Stop()

	h = h.Again(t, hubtest.Settings{"SECRET_KEY": newKey, "SECRET_KEY_PREVIOUS": hubtest.SecretKey})
	alive(t, h, "signed by the previous key", p.Tokens)
	newer := refreshed(t, h, p.RefreshToken)
	if again := refreshed(t, h, p.RefreshToken); again.RefreshToken != newer.RefreshToken {
		t.Error("the successor is not repeated after the key was rotated")
	}
	h.Stop()

	h = h.Again(t, hubtest.Settings{"SECRET_KEY": newKey})
	h.Me(t, p.AccessToken).Want(t, 401, "TOKEN_INVALID")
	alive(t, h, "signed by the new key", newer)
}

// atOnce runs f n times together and returns what they returned.
func atOnce(n int, f func() hubtest.Answer) []hubtest.Answer {
	answers := make([]hubtest.Answer, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			<-start
			answers[i] = f()
		})
	}
	close(start)
	group.Wait()
	return answers
}
