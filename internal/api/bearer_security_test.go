package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/api"
	"github.com/a64core/hub/internal/hubtest"
)

func TestR01_TheAuthorizationHeaderHasOneForm(t *testing.T) { // JWT-25
	t.Parallel()
	h := hubtest.Start(t)
	a, b := h.SignUp(t, hub.RoleUser).AccessToken, h.SignUp(t, hub.RoleUser).AccessToken
	for lines, want := range map[string]int{
		"Authorization: Bearer " + a:                                      200,
		"Authorization: bearer " + a:                                      200,
		"authorization: BEARER " + a:                                      200,
		"Authorization: Bearer":                                           401,
		"Authorization: Bearer ":                                          401,
		"Authorization:":                                                  401,
		"Authorization: " + a:                                             401,
		"Authorization: Bearer  " + a:                                     401,
		"Authorization: Bearer\t" + a:                                     401,
		"Authorization: Bearer" + a:                                       401,
		"Authorization: Basic " + a:                                       401,
		"Authorization: Basic YWRtaW46YWRtaW4=":                           401,
		"Authorization: Bearer " + a + ", Bearer " + b:                    401,
		"Authorization: Bearer " + a + " " + b:                            401,
		"Authorization: Bearer \"" + a + "\"":                             401,
		"Authorization: Bearer " + a + "\r\nAuthorization: Bearer " + b:   401,
		"Authorization: Bearer " + a + "\r\nauthorization: Bearer " + a:   401,
		"Authorization: Basic x\r\nAuthorization: Bearer " + a:            401,
		"Proxy-Authorization: Bearer " + a:                                401,
		"Authorization: Bearer " + a[:len(a)-1] + "\xe9":                  401,
		"Authorization: Bearer " + strings.Replace(a, ".", ". ", 1):       401,
		"Authorization: Bearer " + strings.Replace(a, ".", "%2E", 1):      401,
		"Authorization: Bearer " + `{"token":"` + a + `"}`:                401,
		"X-Access-Token: " + a + "\r\nCookie: access_token=" + a:          401, // JWT-26
		"Authorization: Bearer " + a + "\r\nX-User-Id: " + hub.NewID():    200,
		"Authorization: Bearer " + a + "\r\nX-Forwarded-User: root":       200,
		"Authorization: Bearer " + a + "\r\nAuthorization-Override: none": 200,
	} {
		status, header := exchange(t, h, "GET /api/v1/auth/me HTTP/1.1\r\nHost: hub\r\n"+lines+"\r\n\r\n")
		if status != want {
			t.Errorf("%.60q: status %d, want %d", lines, status, want)
		}
		if got := header.Get("WWW-Authenticate"); status == http.StatusUnauthorized && got != "Bearer" {
			t.Errorf("%.60q: WWW-Authenticate %q", lines, got)
		}
	}
}

func TestR01_ATokenElsewhereIsNotRead(t *testing.T) { // JWT-26, RBA-20
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	for name, header := range map[string]map[string]string{
		"none": nil, "cookie": {"Cookie": "access_token=" + root.AccessToken + "; session=" + root.AccessToken},
		"X-Access-Token": {"X-Access-Token": root.AccessToken}, "X-Auth-Token": {"X-Auth-Token": root.AccessToken},
		"X-API-Key":           {"X-API-Key": "dev_key_x"},
		"who a proxy says":    {"X-User-Id": root.ID, "X-Forwarded-User": root.Email, "X-Role": "super_admin", "Remote-User": root.Email},
		"a method of another": {"X-HTTP-Method-Override": "GET"},
	} {
		for _, path := range []string{"/api/v1/auth/me", "/api/v1/users", "/api/v1/users/me", "/api/v1/system/stats"} {
			for _, query := range []string{"", "?access_token=" + root.AccessToken, "?token=" + root.AccessToken, "?api_key=dev_key_x"} {
				a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: path + query, Header: header})
				if a.Status != http.StatusUnauthorized || a.Code() != "UNAUTHENTICATED" {
					t.Errorf("%s with %s: %d %s", path, name, a.Status, a.Code())
				}
			}
		}
	}
	body := map[string]any{"access_token": root.AccessToken, "token": root.AccessToken, "refreshToken": root.RefreshToken}
	h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/logout", Body: body}).Want(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	h.Me(t, root.AccessToken).Want(t, http.StatusOK)

	// Nor do they add to what a bearer may do.
	user := h.SignUp(t, hub.RoleUser)
	h.Do(t, hubtest.Request{
		Method: http.MethodGet, Path: "/api/v1/users", Token: user.AccessToken,
		Header: map[string]string{"X-User-Id": root.ID, "X-Role": "super_admin", "X-API-Key": "dev_key_x", "Cookie": "access_token=" + root.AccessToken},
	}).Want(t, http.StatusForbidden, "FORBIDDEN")
}

func TestR01_HugeTokensAreRefused(t *testing.T) { // JWT-24
	t.Parallel()
	h := hubtest.Start(t)
	for name, token := range map[string]string{
		"8 KiB": strings.Repeat("a", 8<<10), "8 KiB of dots": strings.Repeat(".", 8<<10+1), "24 KiB": strings.Repeat("a.b.c", 24<<10/5),
		"64 KiB": strings.Repeat("a.b.c", 64<<10/5), "1 MiB of dots": strings.Repeat(".", 1<<20),
	} {
		a, err := h.Try(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/auth/me", Token: token})
		if err != nil {
			continue // the connection closed before all was sent
		}
		if a.Status != http.StatusUnauthorized && a.Status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	for _, size := range []int{8 << 10, 8<<10 + 1, 60 << 10} {
		if a := h.Refresh(t, strings.Repeat("a.", size/2)); a.Status != http.StatusUnauthorized && a.Status != http.StatusUnprocessableEntity {
			t.Errorf("a refresh token of %d bytes: %d", size, a.Status)
		}
	}
}

func TestR02_NoOperationTakesAnotherTokenAsBearer(t *testing.T) { // JWT-09, JWT-11, RBA-01
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	verification := h.LinkTo(t, root.Email)
	for _, o := range h.App.API.Operations() {
		if o.Access == api.Public {
			continue
		}
		path := strings.NewReplacer("{userId}", root.ID, "{sessionId}", fmt.Sprint(claimsOf(t, root.AccessToken)["sid"])).Replace(o.Path)
		for name, token := range map[string]string{
			"refresh": root.RefreshToken, "verification": verification,
			"refresh, called access": claimsOf(t, root.RefreshToken).with(object{"type": "access"}).minted(t),
		} {
			a := h.Do(t, hubtest.Request{Method: o.Method, Path: path, Token: token, Body: "{}"})
			if a.Status != http.StatusUnauthorized || a.Code() != "TOKEN_INVALID" {
				t.Errorf("%s %s with a %s token: %d %s", o.Method, o.Path, name, a.Status, a.Code())
			}
		}
		h.Do(t, hubtest.Request{Method: o.Method, Path: path, Body: "{}"}).Want(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	}
	h.Refresh(t, root.RefreshToken).Want(t, http.StatusOK)
	h.Do(t, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/verify-email", Body: map[string]any{"token": verification}}).Want(t, http.StatusOK)
}

func TestR05_NoTokenComesTwice(t *testing.T) { // JWT-29: all within one second of the hub's clock
	t.Parallel()
	const sessions, refreshes = 20, 20
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	var mu sync.Mutex
	seen := map[string]bool{}
	note := func(tokens hubtest.Tokens) {
		mu.Lock()
		defer mu.Unlock()
		for _, token := range []string{tokens.AccessToken, tokens.RefreshToken, fmt.Sprint(claimsOf(t, tokens.AccessToken)["jti"]), fmt.Sprint(claimsOf(t, tokens.RefreshToken)["tokenId"])} {
			if seen[token] {
				t.Error("a token, or a token's id, came twice")
			}
			seen[token] = true
		}
	}
	var group sync.WaitGroup
	for range sessions {
		tokens := h.Login(t, p.Email, hubtest.Password)
		note(tokens)
		group.Go(func() {
			for range refreshes {
				a := h.Refresh(t, tokens.RefreshToken)
				if a.Status != http.StatusOK {
					t.Errorf("refresh: %d %s", a.Status, a.Body)
					return
				}
				a.Into(t, &tokens)
				note(tokens)
			}
		})
	}
	group.Wait()
}
