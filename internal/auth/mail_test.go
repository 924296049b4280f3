package auth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

const newPassword = "Another-Horse-8-Battery"

func post(t *testing.T, h *hubtest.Hub, path, access string, body any) hubtest.Answer {
	t.Helper()
	return h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1" + path, Token: access, Body: body})
}

func verify(t *testing.T, h *hubtest.Hub, token string) hubtest.Answer {
	t.Helper()
	return post(t, h, "/auth/verify-email", "", map[string]any{"token": token})
}

func reset(t *testing.T, h *hubtest.Hub, token, password string) hubtest.Answer {
	t.Helper()
	return post(t, h, "/auth/reset-password", "", map[string]any{"token": token, "newPassword": password})
}

// requestReset asks for a reset and returns the token that arrives.
func requestReset(t *testing.T, h *hubtest.Hub, email string) string {
	t.Helper()
	post(t, h, "/auth/request-password-reset", "", map[string]any{"email": email}).Want(t, 200)
	return h.LinkTo(t, email)
}

func TestR31_AVerificationLinkWorksOnce(t *testing.T) { // EML-01, EML-02, EML-09
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	token := h.LinkTo(t, p.Email)
	h.Do(t, hubtest.Request{Method: "GET", Path: "/api/v1/auth/verify-email?token=" + token}).Want(t, 405)
	won := 0
	for _, a := range atOnce(20, func() hubtest.Answer { return verify(t, h, token) }) {
		switch {
		case a.Status == 200:
			won++
			if user := a.JSON(t); user["isEmailVerified"] != true || user["accessToken"] != nil {
				t.Errorf("the answer is not the verified profile alone: %s", a.Body)
			}
		case a.Status != 400 || a.Code() != "TOKEN_USED":
			t.Errorf("a later use: %d %s", a.Status, a.Code())
		}
	}
	if won != 1 {
		t.Errorf("%d uses succeeded, want 1", won)
	}
	post(t, h, "/auth/send-verification-email", p.AccessToken, nil).Want(t, 400, "ALREADY_VERIFIED")
}

func TestR31_OnlyTheNewestLinkWorks(t *testing.T) { // EML-04
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	first := h.LinkTo(t, p.Email)
	post(t, h, "/auth/send-verification-email", p.AccessToken, nil).Want(t, 200)
	second := h.LinkTo(t, p.Email)
	verify(t, h, first).Want(t, 400, "TOKEN_USED")
	verify(t, h, second).Want(t, 200)
}

func TestR31_LinksExpireByTheClock(t *testing.T) { // EML-03
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	verification := h.LinkTo(t, p.Email)
	h.Clock.Step(24*time.Hour + time.Second)
	verify(t, h, verification).Want(t, 401, "TOKEN_EXPIRED")
	resetting := requestReset(t, h, p.Email)
	h.Clock.Step(time.Hour + time.Second)
	reset(t, h, resetting, newPassword).Want(t, 401, "TOKEN_EXPIRED")
}

func TestR02_ATokenServesItsOwnPurposeOnly(t *testing.T) { // JWT-09, JWT-10, JWT-11, EML-15
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	tokens := map[string]string{"access": p.AccessToken, "refresh": p.RefreshToken, "verification": h.LinkTo(t, p.Email)}
	tokens["reset"] = requestReset(t, h, p.Email)
	uses := map[string]func(string) hubtest.Answer{
		"access":       func(s string) hubtest.Answer { return h.Me(t, s) },
		"refresh":      func(s string) hubtest.Answer { return h.Refresh(t, s) },
		"verification": func(s string) hubtest.Answer { return verify(t, h, s) },
		"reset":        func(s string) hubtest.Answer { return reset(t, h, s, newPassword) },
	}
	for kind, token := range tokens {
		for use, try := range uses {
			if kind != use {
				if a := try(token); a.Status != 401 || a.Code() != "TOKEN_INVALID" {
					t.Errorf("%s token used for %s: %d %s", kind, use, a.Status, a.Code())
				}
			}
		}
	}
	for _, kind := range []string{"access", "refresh", "verification", "reset"} {
		if a := uses[kind](tokens[kind]); a.Status != 200 {
			t.Errorf("%s token is spoilt by its wrong uses: %d %s", kind, a.Status, a.Body)
		}
	}
}

func TestR32_ResetEndsEverythingElse(t *testing.T) { // EML-11, EML-16, SES-21, LCK-10
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	other := h.Login(t, p.Email, hubtest.Password)
	verification := h.LinkTo(t, p.Email)
	for range 5 {
		h.TryLogin(t, p.Email, "Wrong-Horse-7-Battery").Want(t, 401, "INVALID_CREDENTIALS")
	}
	h.TryLogin(t, p.Email, hubtest.Password).Want(t, 429, "ACCOUNT_LOCKED")
	token := requestReset(t, h, p.Email)
	alive(t, h, "after the request alone", p.Tokens) // EML-27

	a := reset(t, h, token, "short").Want(t, 422, "VALIDATION_ERROR")
	if got := strings.Join(a.Fields(t), " "); got != "body.newPassword" {
		t.Errorf("complains about %q", got)
	}
	if a := reset(t, h, token, newPassword).Want(t, 200); a.JSON(t)["accessToken"] != nil {
		t.Error("a reset logs in")
	}
	reset(t, h, token, newPassword).Want(t, 400, "TOKEN_USED")
	dead(t, h, "first session", p.Tokens)
	dead(t, h, "second session", other)
	verify(t, h, verification).Want(t, 400, "TOKEN_USED")
	h.TryLogin(t, p.Email, hubtest.Password).Want(t, 401, "INVALID_CREDENTIALS")
	h.Login(t, p.Email, newPassword)
	h.Deliver(t)
	mails := h.Outbox.To(p.Email)
	if last := mails[len(mails)-1]; !strings.Contains(last.Text.Reveal(), "password") || strings.Contains(last.Text.Reveal(), "token=") {
		t.Errorf("the last mail is no notice of the change: %s", last.Subject)
	}
}

func TestR31_LinksDieWithTheAccount(t *testing.T) { // EML-08, EML-14
	t.Parallel()
	h := hubtest.Start(t)
	admin := h.SignUp(t, hub.RoleAdmin)
	for _, action := range []struct{ method, suffix string }{{"POST", "/deactivate"}, {"DELETE", ""}} {
		p := h.SignUp(t, hub.RoleUser)
		verification, resetting := h.LinkTo(t, p.Email), requestReset(t, h, p.Email)
		h.Do(t, hubtest.Request{Method: action.method, Path: "/api/v1/users/" + p.ID + action.suffix, Token: admin.AccessToken})
		verify(t, h, verification).Want(t, 401, "TOKEN_INVALID")
		reset(t, h, resetting, newPassword).Want(t, 401, "TOKEN_INVALID")
		if u := h.Stored(t, p.ID); u.IsUsable() || u.IsEmailVerified {
			t.Errorf("%s: usable %v, verified %v", action.method, u.IsUsable(), u.IsEmailVerified)
		}
	}
}

func TestR16_NobodyGetsMailForAnAddressWithoutAUsableAccount(t *testing.T) { // EML-20, ENU-07
	t.Parallel()
	h := hubtest.Start(t)
	inactive, gone := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleUser)
	h.Deliver(t)
	before := h.Outbox.Count()
	h.Edit(t, inactive.ID, func(u *hub.User) { u.IsActive = false })
	h.Edit(t, gone.ID, func(u *hub.User) { u.DeletedAt = h.Clock.Now() })
	known := h.SignUp(t, hub.RoleUser)
	h.Deliver(t)
	before++ // its verification
	want := post(t, h, "/auth/request-password-reset", "", map[string]any{"email": known.Email}).Want(t, 200)
	for _, email := range []string{"nobody@example.com", inactive.Email, gone.Email} {
		got := post(t, h, "/auth/request-password-reset", "", map[string]any{"email": email}).Want(t, 200)
		if string(got.Body) != string(want.Body) {
			t.Errorf("%s: %s, want %s", email, got.Body, want.Body)
		}
	}
	h.Deliver(t)
	if got := h.Outbox.Count(); got != before+1 {
		t.Errorf("%d mails, want %d: only the known address gets one", got, before+1)
	}
}

func TestR33_AtMostFiveMailsAnHour(t *testing.T) { // ENU-10, RTL-18
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	for range 20 {
		post(t, h, "/auth/send-verification-email", p.AccessToken, nil).Want(t, 200)
		post(t, h, "/auth/request-password-reset", "", map[string]any{"email": p.Email}).Want(t, 200)
	}
	h.Deliver(t)
	if got := len(h.Outbox.To(p.Email)); got != 5 {
		t.Errorf("%d mails in an hour, want 5", got)
	}
	h.Clock.Step(time.Hour)
	post(t, h, "/auth/send-verification-email", h.Login(t, p.Email, hubtest.Password).AccessToken, nil).Want(t, 200)
	h.Deliver(t)
	if got := len(h.Outbox.To(p.Email)); got != 6 {
		t.Errorf("%d mails after the hour, want 6", got)
	}
}

func TestR37_MailWaitsForItsServer(t *testing.T) { // REG-34, ENU-09, EML-24
	t.Parallel()
	h := hubtest.Start(t)
	h.Outbox.FailWith(errors.New("connection refused"))
	p := h.SignUp(t, hub.RoleUser)
	h.Deliver(t)
	h.Outbox.FailWith(nil)
	h.Clock.Step(2 * time.Hour)
	verify(t, h, h.LinkTo(t, p.Email)).Want(t, 200)
	if got := len(h.Outbox.To(p.Email)); got != 1 {
		t.Errorf("%d mails delivered, want 1", got)
	}
}

func TestChangePasswordKeepsOnlyTheAskingSession(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	other := h.Login(t, p.Email, hubtest.Password)
	change := func(current, next string) hubtest.Answer {
		return post(t, h, "/auth/change-password", p.AccessToken, map[string]any{"currentPassword": current, "newPassword": next})
	}
	change("Wrong-Horse-7-Battery", newPassword).Want(t, 401, "INVALID_CREDENTIALS")
	change(hubtest.Password, "password").Want(t, 422, "VALIDATION_ERROR")
	change(hubtest.Password, newPassword).Want(t, 200)
	alive(t, h, "the asking session", p.Tokens)
	refreshed(t, h, p.RefreshToken)
	dead(t, h, "the other session", other)
	h.TryLogin(t, p.Email, hubtest.Password).Want(t, 401)
	h.Login(t, p.Email, newPassword)
}

func TestR17_EveryPasswordCheckCountsAgainstOneLimit(t *testing.T) { // LCK-17
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	wrong := "Wrong-Horse-7-Battery"
	h.TryLogin(t, p.Email, wrong).Want(t, 401)
	h.TryLogin(t, strings.ToUpper(p.Email), wrong).Want(t, 401)
	for range 2 {
		post(t, h, "/auth/change-password", p.AccessToken, map[string]any{"currentPassword": wrong, "newPassword": newPassword}).Want(t, 401)
	}
	post(t, h, "/auth/change-email", p.AccessToken, map[string]any{"currentPassword": wrong, "newEmail": "new@example.com"}).Want(t, 401)
	post(t, h, "/auth/change-password", p.AccessToken, map[string]any{"currentPassword": hubtest.Password, "newPassword": newPassword}).
		Want(t, 429, "ACCOUNT_LOCKED")
	h.TryLogin(t, p.Email, hubtest.Password).Want(t, 429, "ACCOUNT_LOCKED")
	alive(t, h, "a session of a locked account", p.Tokens) // SES-33
	refreshed(t, h, p.RefreshToken)
	h.Clock.Step(15 * time.Minute)
	h.Login(t, p.Email, hubtest.Password)
}

func TestChangeEmail(t *testing.T) { // EML-06
	t.Parallel()
	h := hubtest.Start(t)
	taken := h.SignUp(t, hub.RoleUser)
	p := h.SignUp(t, hub.RoleUser)
	verification := h.LinkTo(t, p.Email)
	change := func(to string) hubtest.Answer {
		return post(t, h, "/auth/change-email", p.AccessToken, map[string]any{"currentPassword": hubtest.Password, "newEmail": to})
	}
	free, used := change("fresh@example.com").Want(t, 200), change(taken.Email).Want(t, 200)
	if string(free.Body) != string(used.Body) {
		t.Errorf("answers tell a free address from a taken one: %s, %s", free.Body, used.Body)
	}
	mailsToTaken := len(h.Outbox.To(taken.Email))
	h.Deliver(t)
	if got := len(h.Outbox.To(taken.Email)); got != mailsToTaken {
		t.Error("a taken address got a link")
	}
	change("fresh@example.com").Want(t, 200)
	token := h.LinkTo(t, "fresh@example.com")
	if got := h.Stored(t, p.ID).Email; got != p.Email {
		t.Errorf("the address changed before it was verified: %s", got)
	}
	if user := verify(t, h, token).Want(t, 200).JSON(t); user["email"] != "fresh@example.com" || user["isEmailVerified"] != true {
		t.Errorf("after the change: %v", user)
	}
	verify(t, h, verification).Want(t, 401, "TOKEN_INVALID")
	h.TryLogin(t, p.Email, hubtest.Password).Want(t, 401)
	h.Login(t, "fresh@example.com", hubtest.Password)
	h.Deliver(t)
	if mails := h.Outbox.To(p.Email); len(mails) < 3 {
		t.Errorf("%d mails to the former address, want notices of the request and of the change", len(mails))
	}
}

func TestChangeEmailToAnAddressTakenMeanwhile(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	post(t, h, "/auth/change-email", p.AccessToken, map[string]any{"currentPassword": hubtest.Password, "newEmail": "wanted@example.com"}).Want(t, 200)
	token := h.LinkTo(t, "wanted@example.com")
	h.Register(t, "wanted@example.com")
	verify(t, h, token).Want(t, 409, "CONFLICT")
	if got := h.Stored(t, p.ID).Email; got != p.Email {
		t.Errorf("address is %s", got)
	}
}

func TestR16_AConcealedRegistrationLooksLikeAnyOther(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"REGISTRATION_CONCEAL": "true"})
	p := h.SignUp(t, hub.RoleUser)
	h.Deliver(t)
	before := len(h.Outbox.To(p.Email))
	again := post(t, h, "/auth/register", "", hubtest.Registration(p.Email)).Want(t, 201).JSON(t)
	fresh := post(t, h, "/auth/register", "", hubtest.Registration("fresh@example.com")).Want(t, 201).JSON(t)
	for name := range fresh {
		if _, ok := again[name]; !ok || len(again) != len(fresh) {
			t.Errorf("the answers differ in %s", name)
		}
	}
	if again["userId"] == p.ID {
		t.Error("the answer tells the account's id")
	}
	h.Deliver(t)
	mails := h.Outbox.To(p.Email)
	if len(mails) != before+1 || strings.Contains(mails[len(mails)-1].Text.Reveal(), "token=") {
		t.Errorf("the owner got %d mails, want one notice without a link", len(mails)-before)
	}
}
