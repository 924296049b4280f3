package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

const emoji = "\U0001F600"

func TestR13_NamesAreKeptByteForByteOrRefused(t *testing.T) { // REG-17
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	patch := func(body any) hubtest.Answer {
		return h.Do(t, hubtest.Request{Method: http.MethodPatch, Path: "/api/v1/users/me", Token: p.AccessToken, Body: body})
	}
	for i, name := range []string{strings.Repeat(emoji, 100), "Ñ", "N\u0303", "O'Brien", `\`, "李", "👩‍💻", "' OR '1'='1", "{{.Link}}", "%s%n", " Ada "} {
		a := send(t, h, "/auth/register", "", registration(fmt.Sprintf("name-%d@example.com", i)).with(object{"firstName": name, "lastName": name})).
			Want(t, http.StatusCreated).JSON(t)
		stored := h.Stored(t, fmt.Sprint(a["userId"]))
		if a["firstName"] != name || stored.FirstName != name || stored.LastName != name {
			t.Errorf("%q came back as %q, is stored as %q", name, a["firstName"], stored.FirstName)
		}
		if got := patch(object{"firstName": name}).Want(t, http.StatusOK).JSON(t)["firstName"]; got != name {
			t.Errorf("%q came back as %q from PATCH", name, got)
		}
	}
	before := h.Stored(t, p.ID)
	for _, field := range []string{"firstName", "lastName"} {
		for _, json := range []string{
			`""`, `"   "`, `"\u0000"`, `"a\r\nb"`, `"a\u202eb"`, `"a\u200b"`, `"\ufeff"`, `"\u2028"`, `"\ud800"`, `"\udc00\ud800"`, `"` + strings.Repeat(emoji, 101) + `"`,
			"123", "null", "true", `["Ada"]`, `{"$ne":null}`,
		} {
			a := patch(`{"` + field + `":` + json + `}`)
			if a.Status != http.StatusUnprocessableEntity || !slices.Equal(a.Fields(t), []string{"body." + field}) {
				t.Errorf("%s %.30s: %d %s", field, json, a.Status, a.Body)
			}
		}
		for _, bytes := range []string{"\xff\xfe", "\xc0\xaf", "\x80", "\xed\xa0\x80", "a\x00b"} { // HTT-20
			patch(`{"`+field+`":"`+bytes+`"}`).Want(t, http.StatusBadRequest, "MALFORMED_REQUEST")
		}
	}
	if after := h.Stored(t, p.ID); after.Version != before.Version {
		t.Error("a refused change was stored")
	}
}

func TestR13_OptionalValues(t *testing.T) { // REG-19, REG-20, LIF-07
	t.Parallel()
	h := hubtest.Start(t)
	p := h.SignUp(t, hub.RoleUser)
	var fetched atomic.Int64
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	defer listener.Close()
	patch := func(field string, value any) hubtest.Answer {
		return h.Do(t, hubtest.Request{Method: http.MethodPatch, Path: "/api/v1/users/me", Token: p.AccessToken, Body: object{field: value}})
	}
	for field, values := range map[string][]string{
		"avatar": {
			"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://x.io/a", "//x.io/a", "http://", "https:///a", "http://a b/", "x",
			"https://user:pass@x.io/", "http://x.io/\r\nX: y", "https://x.io/" + strings.Repeat("a", 488), "https://x.io/<script>", " https://x.io/",
		},
		"timezone": {"../../etc/passwd", "Mars/Phobos", strings.Repeat("E", 51), "Europe", "Local", "europe/berlin", "/etc/localtime", "Europe/Berlin\x00", "posixrules"},
		"locale":   {"en;rm", "xx_YYYYYYYYYYY", "en-GB-oxendict", "*", "e", "../de", "en\n"},
		"phone":    {"abc", "+1", "+012345678", strings.Repeat("1", 21), "+1234567890123456", "4930123456", "+49 30 123456", "+49(0)30", "+٤٩٣٠١٢٣٤٥٦"},
	} {
		for _, value := range append(values, "") {
			a := patch(field, value)
			if a.Status != http.StatusUnprocessableEntity || !slices.Equal(a.Fields(t), []string{"body." + field}) {
				t.Errorf("PATCH %s %q: %d %s", field, value, a.Status, a.Body)
			}
			send(t, h, "/auth/register", "", registration("eve@example.com").with(object{field: value})).Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
		}
	}
	for field, values := range map[string][]string{
		"avatar": {"https://x.io/a.png", listener.URL + "/x", "https://x.io/" + strings.Repeat("a", 487)}, "timezone": {"Europe/Berlin", "UTC"},
		"locale": {"de", "en-GB"}, "phone": {"+4930123456", "+123456789012345"},
	} {
		for _, value := range values {
			if got := patch(field, value).Want(t, http.StatusOK).JSON(t)[field]; got != value {
				t.Errorf("%s %q came back as %v", field, value, got)
			}
		}
		if got := patch(field, nil).Want(t, http.StatusOK).JSON(t); got[field] != nil {
			t.Errorf("%s was cleared and is %v", field, got[field])
		}
	}
	if n := fetched.Load(); n != 0 {
		t.Errorf("an avatar was fetched %d times", n)
	}
}

func TestR12_ThePasswordPolicyHoldsWhereverPasswordsAreSet(t *testing.T) { // REG-21, REG-22, REG-27, REG-29
	t.Parallel()
	h := hubtest.Start(t)
	root, p := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	send(t, h, "/auth/request-password-reset", "", object{"email": p.Email}).Want(t, http.StatusOK)
	resetToken := h.LinkTo(t, p.Email)
	hash := h.Stored(t, p.ID).PasswordHash
	refused := map[string]string{
		"7 characters": "kX7!vPq", "129 characters": "kX7!v" + strings.Repeat("vP", 62), "no upper case": "kx7!vpqz", "no lower case": "KX7!VPQZ",
		"no digit": "kXs!vPqz", "no special": "kX71vPqz", "513 bytes": "Aa1!" + strings.Repeat(emoji, 124) + "aaaaaaaaaaaaa", "64 KiB": strings.Repeat("aA1!", 16<<10),
		"Password1!": "Password1!", "Qwerty123!": "Qwerty123!", "P@ssw0rd": "P@ssw0rd", "Welcome1!": "Welcome1!", "a NUL": "kX7!vPqz\x00",
	}
	for name, pw := range refused {
		for _, route := range []struct {
			path, field, token string
			body               object
		}{
			{"/auth/register", "password", "", registration("eve@example.com")},
			{"/users", "password", root.AccessToken, registration("eve@example.com")},
			{"/auth/change-password", "newPassword", p.AccessToken, object{"currentPassword": hubtest.Password}},
			{"/auth/reset-password", "newPassword", "", object{"token": resetToken}},
		} {
			a := send(t, h, route.path, route.token, route.body.with(object{route.field: pw}))
			if a.Status == http.StatusRequestEntityTooLarge && len(pw) > 60<<10 {
				continue
			}
			if a.Status != http.StatusUnprocessableEntity || !slices.Equal(a.Fields(t), []string{"body." + route.field}) {
				t.Errorf("%s with %s: %d %s", route.path, name, a.Status, a.Body)
			}
			if strings.Contains(string(a.Body), pw) {
				t.Errorf("%s with %s: the password is repeated", route.path, name)
			}
		}
	}
	for email, pw := range map[string]string{"grace.hopper@example.com": "Grace.hopper1!", "eve@example.com": "A64core1!", "bob@example.com": "Lovelace1!"} {
		send(t, h, "/auth/register", "", registration(email).with(object{"password": pw})).Want(t, http.StatusUnprocessableEntity, "VALIDATION_ERROR")
	}
	if h.Stored(t, p.ID).PasswordHash != hash {
		t.Error("a refused password was stored")
	}
	send(t, h, "/auth/reset-password", "", object{"token": resetToken, "newPassword": "Another-Horse-8-Battery"}).Want(t, http.StatusOK) // not burnt
}

func TestR12_PasswordsAreComparedWhole(t *testing.T) { // REG-21, REG-22, REG-24, REG-26, REG-35, REG-36
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"LOGIN_MAX_FAILURES": "100"})
	const nfc = "P\u00e4ssw\u00f6rd-7x"
	passwords := []string{
		"kX7!vPqz", "kX7!" + strings.Repeat("vP", 62), "Aa1!" + strings.Repeat(emoji, 4), "Aa1!" + strings.Repeat(emoji, 124), " kX7 vPqz ",
		strings.Repeat("k", 69) + "X7!", strings.Repeat("k", 72) + "X7!", "kX7!vPqz'--", `kX7\vPqz"`, nfc,
	}
	for _, special := range "!@#$%^&*" {
		passwords = append(passwords, "kX7"+string(special)+"vPqz")
	}
	for i, pw := range passwords {
		email := fmt.Sprintf("password-%d@example.com", i)
		send(t, h, "/auth/register", "", registration(email).with(object{"password": pw})).Want(t, http.StatusCreated)
		h.Login(t, email, pw)
		runes := []rune(pw)
		last := string(runes[:len(runes)-1])
		for _, wrong := range []string{last, last + "~", pw + "x", pw + " ", " " + pw, strings.ToUpper(pw), strings.ToLower(pw), strings.TrimSpace(pw)} {
			if wrong != pw {
				h.TryLogin(t, email, wrong).Want(t, http.StatusUnauthorized, "INVALID_CREDENTIALS")
			}
		}
	}
	h.Login(t, fmt.Sprintf("password-%d@example.com", slices.Index(passwords, nfc)), norm.NFD.String(nfc))

	a, b := h.Stored(t, h.Register(t, "salt-a@example.com")).PasswordHash.Reveal(), h.Stored(t, h.Register(t, "salt-b@example.com")).PasswordHash.Reveal()
	if a == b || strings.Contains(a, hubtest.Password) {
		t.Error("equal passwords have equal hashes, or the password is kept")
	}
}
