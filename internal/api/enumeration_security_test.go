package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

const wrongPassword = "Wrong-Horse-7-Battery"

// accounts makes one account in each state that a stranger must not learn of, and names one that is not there.
func accounts(t *testing.T, h *hubtest.Hub) map[string]hubtest.Person {
	t.Helper()
	made := map[string]hubtest.Person{"unknown": {Email: "nobody@example.com"}}
	for state, change := range map[string]func(*hub.User){
		"unverified": func(*hub.User) {},
		"verified":   func(u *hub.User) { u.IsEmailVerified = true },
		"admin":      func(u *hub.User) { u.Role = hub.RoleAdmin },
		"inactive":   func(u *hub.User) { u.IsActive = false },
		"deleted":    func(u *hub.User) { u.DeletedAt = h.Clock.Now() },
	} {
		p := h.SignUp(t, hub.RoleUser)
		h.Edit(t, p.ID, change)
		made[state] = p
	}
	return made
}

// alike fails the test unless all the answers are the same but for what differs from request to request.
func alike(t *testing.T, what string, answers map[string]hubtest.Answer) {
	t.Helper()
	var first string
	for state := range answers {
		if first == "" {
			first = state
		}
		if diff := cmp.Diff(whole(t, answers[first]), whole(t, answers[state])); diff != "" {
			t.Errorf("%s tells %s from %s: %s", what, first, state, diff)
		}
	}
}

func TestR16_LoginTellsNobodyWhoIsThere(t *testing.T) { // ENU-01, ENU-04, ENU-05, LCK-01
	t.Parallel()
	h := hubtest.Start(t)
	made := accounts(t, h)
	for try := range 6 { // five failures lock an address, whether it has an account or not
		status, code := http.StatusUnauthorized, "INVALID_CREDENTIALS"
		if try == 5 {
			status, code = http.StatusTooManyRequests, "ACCOUNT_LOCKED"
		}
		answers := map[string]hubtest.Answer{}
		for state, p := range made {
			answers[state] = h.TryLogin(t, p.Email, wrongPassword).Want(t, status, code)
		}
		alike(t, "login", answers)
	}
	answers := map[string]hubtest.Answer{}
	for state, p := range made {
		answers[state] = h.TryLogin(t, p.Email, hubtest.Password).Want(t, http.StatusTooManyRequests, "ACCOUNT_LOCKED")
	}
	alike(t, "login while locked, with the right password,", answers)

	h.Clock.Step(15 * time.Minute)
	for state, want := range map[string]string{"unknown": "INVALID_CREDENTIALS", "deleted": "INVALID_CREDENTIALS", "inactive": "ACCOUNT_INACTIVE", "verified": "", "unverified": ""} {
		a := h.TryLogin(t, made[state].Email, hubtest.Password)
		if a.Code() != want || (want == "") != (a.Status == http.StatusOK) {
			t.Errorf("the right password of %s: %d %s, want %q", state, a.Status, a.Code(), want)
		}
	}
}

func TestR16_LoginHashesOnceWhoeverIsThere(t *testing.T) { // ENU-02, ENU-05; not parallel: it measures
	h := hubtest.Start(t, hubtest.Settings{"BCRYPT_COST": "9", "LOGIN_MAX_FAILURES": "0"})
	made := accounts(t, h)
	delete(made, "admin")
	// A hash at this cost takes ten times as long as all else together: none, or two, would stand out however often it is
	// tried. What else the machine does only makes single tries longer, so the fastest of each state come together.
	fastest := map[string]time.Duration{}
	for range 40 {
		for state, p := range made {
			began := time.Now()
			h.TryLogin(t, p.Email, wrongPassword).Want(t, http.StatusUnauthorized, "INVALID_CREDENTIALS")
			if took := time.Since(began); fastest[state] == 0 || took < fastest[state] {
				fastest[state] = took
			}
		}
		if farApart(fastest) == "" {
			return
		}
	}
	t.Errorf("%s stands out: %v", farApart(fastest), fastest)
}

// farApart returns a state whose time is not that of the verified account, if there is one.
func farApart(fastest map[string]time.Duration) string {
	for state, took := range fastest {
		if ratio := float64(took) / float64(fastest["verified"]); ratio < 0.6 || ratio > 1.6 {
			return state
		}
	}
	return ""
}

func TestR16_ResetRequestsAndRegistrationsTellNobodyWhoIsThere(t *testing.T) { // ENU-07, ENU-11, REG-30
	t.Parallel()
	h := hubtest.Start(t)
	made := accounts(t, h)
	resets, registrations := map[string]hubtest.Answer{}, map[string]hubtest.Answer{}
	for state, p := range made {
		resets[state] = send(t, h, "/auth/request-password-reset", "", object{"email": p.Email}).Want(t, http.StatusOK)
		if state != "unknown" {
			registrations[state] = send(t, h, "/auth/register", "", registration(p.Email)).Want(t, http.StatusConflict, "REGISTRATION_REJECTED")
			for _, word := range []string{p.ID, p.Email, "deleted", "active", "verified", "exists", "taken"} {
				if strings.Contains(string(registrations[state].Body), word) {
					t.Errorf("the refusal of a registration says %q", word)
				}
			}
		}
	}
	alike(t, "a reset request", resets)
	alike(t, "a registration", registrations)
}

func TestR16_SpentLinksTellNothing(t *testing.T) { // ENU-13
	t.Parallel()
	h := hubtest.Start(t)
	p, other := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	used := h.LinkTo(t, p.Email)
	send(t, h, "/auth/verify-email", "", object{"token": used}).Want(t, http.StatusOK)
	for _, route := range []struct {
		path, kind string
		body       object
	}{
		{"/auth/verify-email", "email_verification", object{}},
		{"/auth/reset-password", "password_reset", object{"newPassword": "Another-Horse-8-Battery"}},
	} {
		right := claimsOf(t, used).with(object{"type": route.kind})
		id := hub.NewID()
		answers := map[string]hubtest.Answer{}
		for name, token := range map[string]string{
			"garbage": "a.b.c", "never issued": right.with(object{"tokenId": id, "jti": id}).minted(t), // EML-07
			"of somebody else":    right.with(object{"userId": other.ID, "sub": other.ID}).minted(t),
			"for another address": right.with(object{"email": other.Email}).minted(t),
			"changed":             right.with(object{"iat": h.Clock.Now().Unix() - 1}).minted(t),
			"of no account":       right.with(object{"userId": id, "sub": id}).minted(t),
			"an access token":     p.AccessToken,
		} {
			answers[name] = send(t, h, route.path, "", route.body.with(object{"token": token})).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
			for _, word := range []string{p.Email, other.Email, p.ID, other.ID, "Ada", "Lovelace"} {
				if strings.Contains(string(answers[name].Body), word) {
					t.Errorf("%s, %s: says %q", route.path, name, word)
				}
			}
		}
		alike(t, route.path, answers)
	}
	a := send(t, h, "/auth/verify-email", "", object{"token": used}).Want(t, http.StatusBadRequest, "TOKEN_USED")
	if strings.Contains(string(a.Body), p.Email) {
		t.Error("a used link tells the address")
	}
}

func TestR06_RefreshSaysNotWhyATokenIsDead(t *testing.T) { // ENU-14, SES-26
	t.Parallel()
	h := hubtest.Start(t)
	ended, reused, inactive, deleted, alive := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	send(t, h, "/auth/logout", ended.AccessToken, nil).Want(t, http.StatusOK)
	h.Refresh(t, reused.RefreshToken).Want(t, http.StatusOK)
	h.Clock.Step(11 * time.Second)
	h.Refresh(t, reused.RefreshToken).Want(t, http.StatusUnauthorized, "TOKEN_REUSED")
	h.Edit(t, inactive.ID, func(u *hub.User) { u.IsActive = false })
	h.Edit(t, deleted.ID, func(u *hub.User) { u.DeletedAt = h.Clock.Now() })
	right := claimsOf(t, alive.RefreshToken)
	answers := map[string]hubtest.Answer{}
	for name, token := range map[string]string{
		"garbage": "garbage", "logged out": ended.RefreshToken, "dead of reuse": reused.RefreshToken, "inactive": inactive.RefreshToken, "deleted": deleted.RefreshToken,
		"of another kind": alive.AccessToken, "of no session": right.with(object{"sid": hub.NewID()}).minted(t), // as after its row is gone
		"changed":              right.with(object{"iat": h.Clock.Now().Unix() - 60}).minted(t),
		"of a foreign session": right.with(object{"sid": claimsOf(t, ended.RefreshToken)["sid"]}).minted(t),
	} {
		answers[name] = h.Refresh(t, token).Want(t, http.StatusUnauthorized, "TOKEN_INVALID")
	}
	alike(t, "refresh", answers)
	h.Refresh(t, alive.RefreshToken).Want(t, http.StatusOK)
}
