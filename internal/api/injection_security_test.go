package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

func TestR15_NoFieldTakesAnythingButItsType(t *testing.T) { // INJ-01, INJ-02, REG-32, REG-33, SES-30, RBA-12
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	root, target := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	before := h.Stored(t, target.ID)
	values := []any{
		object{"$gt": ""},
		object{"$ne": nil},
		object{"$regex": ".*"},
		object{"$where": "1"},
		object{"$set": object{"role": "admin"}},
		[]any{},
		[]any{"x"},
		[]any{object{"$gt": ""}},
		1, -1.5,
	}
	for _, o := range d.walk(t, h) {
		for name, schema := range o.fields {
			wrong := slices.Clone(values)
			if kinds := fmt.Sprint(schema["type"]); !strings.Contains(kinds, "boolean") {
				wrong = append(wrong, true)
			}
			if slices.Contains(o.required, name) {
				wrong = append(wrong, nil, absent{})
			}
			for _, value := range wrong {
				a := h.Do(t, hubtest.Request{Method: o.Method, Path: o.at(target.ID, hub.NewID()), Token: root.AccessToken, Body: o.body(root).with(object{name: value})})
				if a.Status != http.StatusUnprocessableEntity || !slices.Contains(a.Fields(t), "body."+name) {
					t.Errorf("%s with %s %.40v: %d %s", o.ID, name, value, a.Status, a.Body)
				}
			}
		}
	}
	if after := h.Stored(t, target.ID); after.Version != before.Version {
		t.Error("the account changed")
	}
	h.Me(t, root.AccessToken).Want(t, http.StatusOK)
}

func TestR15_TextIsTakenLiterally(t *testing.T) { // INJ-05
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	target := h.SignUp(t, hub.RoleUser)
	texts := []string{
		"' OR '1'='1", `\`, `\'; DROP TABLE users; -- `, "%bf%27", "\u00bf'", "' AND SLEEP(5)-- ", "'; SELECT randomblob(1000000000)-- ", `" OR ""="`, "*", "%", "_", "?", ":1", "$1",
		"<script>alert(1)</script>", "{{.Link}}", "${7*7}", "../../etc/passwd", "a\x00b", "\U0010ffff",
	}
	for _, o := range d.walk(t, h) {
		for name, schema := range o.fields {
			if kinds := fmt.Sprint(schema["type"]); !strings.Contains(kinds, "string") {
				continue
			}
			root := h.SignUp(t, hub.RoleSuperAdmin)
			for _, text := range texts {
				a := h.Do(t, hubtest.Request{Method: o.Method, Path: o.at(target.ID, hub.NewID()), Token: root.AccessToken, Body: o.body(root).with(object{name: text})})
				d.check(t, &o, fmt.Sprintf("%s %q", name, text), a)
				if a.Status >= 300 || name == "email" {
					continue
				}
				if got, ok := a.JSON(t)[name]; ok && got != text {
					t.Errorf("%s: %s %q came back as %q", o.ID, name, text, got)
				}
			}
		}
	}
	if u := h.Stored(t, target.ID); u.Email != target.Email || u.Role != hub.RoleUser {
		t.Errorf("the account is %+v", u)
	}
}

func TestR22_OnlyAnIDNamesAnAccount(t *testing.T) { // INJ-04, HTT-14, HTT-15
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	root, user, target := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleGuest)
	before := h.Stored(t, target.ID)
	for _, o := range d.walk(t, h) {
		if !strings.Contains(o.Path, "{") {
			continue
		}
		for _, id := range []string{
			`{"$ne":null}`, "[object Object]", "*", ".*", "0", "-1", "null", "undefined", "' OR '1'='1", target.Email, "..", "%", "me ",
			strings.ToUpper(target.ID), "{" + target.ID + "}", strings.ReplaceAll(target.ID, "-", ""), target.ID + "\x00", target.ID + "\r\nX: y", " " + target.ID, strings.Repeat("a", 4000),
		} {
			path := o.at(url.PathEscape(id), url.PathEscape(id))
			for role, token := range map[string]string{"root": root.AccessToken, "user": user.AccessToken} {
				a := h.Do(t, hubtest.Request{Method: o.Method, Path: path, Token: token, Body: o.body(root)})
				if want := map[string][]int{"root": {404}, "user": {403, 404}}[role]; !slices.Contains(want, a.Status) {
					t.Errorf("%s of %.40q as %s: %d %s", o.ID, id, role, a.Status, a.Body)
				}
				if a.Header.Get("X") != "" || (len(id) > 5 && strings.Contains(a.JSON(t)["detail"].(string), id)) {
					t.Errorf("%s of %.40q is reflected", o.ID, id)
				}
			}
		}
	}
	if after := h.Stored(t, target.ID); after.Version != before.Version {
		t.Error("the account changed")
	}
}

func TestR13_NoOperationReadsAnythingButOneJSONObject(t *testing.T) { // HTT-01, HTT-03, HTT-04, INJ-17
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	root, target := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	before := h.Stored(t, target.ID)
	for _, o := range d.walk(t, h) {
		if !o.Body {
			continue
		}
		valid := o.body(root).json(t)
		name := slices.Sorted(maps.Keys(o.fields))[0]
		do := func(contentType, body string, want ...int) {
			t.Helper()
			a := h.Do(t, hubtest.Request{
				Method: o.Method, Path: o.at(target.ID, hub.NewID()), Token: root.AccessToken, Body: body, Header: map[string]string{"Content-Type": contentType},
			})
			if !slices.Contains(want, a.Status) {
				t.Errorf("%s with %q as %s: %d, want %v", o.ID, body[:min(len(body), 40)], contentType, a.Status, want)
			}
			d.check(t, &o, contentType, a)
		}
		const right = "application/json"
		for _, body := range []string{
			"{", "{'a':1}", `{"a":1,}`, "NaN", "\ufeff" + valid, "//c", valid + valid, valid + "x", "\x00" + valid, "[" + valid, strings.Repeat("[", 60000), strings.Repeat(`{"a":`, 10000),
			strings.TrimSuffix(valid, "}") + `,"` + name + `":1}`, // REG-06: a name twice
			strings.TrimSuffix(valid, "}") + `,"` + strings.ToUpper(name) + `":1}`,
		} {
			do(right, body, http.StatusBadRequest)
		}
		for _, body := range []string{"null", "[]", `"x"`, "1", "true", "[" + valid + "]"} {
			do(right, body, http.StatusUnprocessableEntity)
		}
		do(right, strings.Repeat(" ", 64<<10)+valid, http.StatusRequestEntityTooLarge)
		for _, contentType := range []string{
			"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/x-yaml",
			"application/json; charset=utf-16", "application/json, text/plain", "application/jsonx", "application/merge-patch+json",
		} {
			do(contentType, valid, http.StatusUnsupportedMediaType)
		}
		do("application/xml", `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`, http.StatusUnsupportedMediaType)
	}
	if after := h.Stored(t, target.ID); after.Version != before.Version {
		t.Error("the account changed")
	}
	h.Me(t, root.AccessToken).Want(t, http.StatusOK)
}

func TestR24_R30_NothingRedirectsAndNoHostIsBelieved(t *testing.T) { // INJ-14, EML-18, LIF-04
	t.Parallel()
	h := hubtest.Start(t)
	d := readDocument(t, h)
	root, target := h.SignUp(t, hub.RoleSuperAdmin), h.SignUp(t, hub.RoleUser)
	query := "?redirect=//evil.example&next=https://evil.example&returnTo=//evil.example&callback=evil.example"
	headers := map[string]string{
		"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript", "Forwarded": "host=evil.example", "Origin": "https://evil.example",
		"Referer": "https://evil.example/", "X-Original-URL": "/api/v1/users", "X-Rewrite-URL": "/api/v1/users",
	}
	for _, o := range d.walk(t, h) {
		a := h.Do(t, hubtest.Request{Method: o.Method, Path: o.at(target.ID, hub.NewID()) + query, Token: root.AccessToken, Body: o.body(root), Header: headers})
		if a.Header.Get("Location") != "" || strings.Contains(string(a.Body), "evil") || (a.Status >= 300 && a.Status < 400) {
			t.Errorf("%s: %d, Location %q: %s", o.ID, a.Status, a.Header.Get("Location"), a.Body)
		}
		if o.ID == "logout" || o.ID == "deleteOwnUser" {
			root = h.SignUp(t, hub.RoleSuperAdmin)
		}
	}
	body := registration("host@example.com").json(t)
	request := fmt.Sprintf("POST http://evil.example/api/v1/auth/register HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	if status, _ := exchange(t, h, request); status != http.StatusCreated {
		t.Fatalf("register: %d", status)
	}
	h.LinkTo(t, "host@example.com")
	for _, m := range h.Outbox.To("host@example.com") {
		if !strings.HasPrefix(m.Link.Reveal(), "https://front.example.com/app/verify-email?token=") || strings.Contains(m.Text.Reveal()+m.HTML.Reveal(), "evil") {
			t.Errorf("the link is %s", m.Link.Reveal())
		}
	}
}

func TestR30_NamesAreOnlyTextInMails(t *testing.T) { // INJ-09, INJ-10, INJ-11, INJ-12
	t.Parallel()
	h := hubtest.Start(t)
	for i, name := range []string{
		`<a href=//evil.io>x</a><img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, "{{.Link}}", `{{printf "%s" .}}`, "${7*7}", "%s%n", "<%= 1 %>", ".",
		"Visit https://evil.io/reset now", "javascript:alert(1)",
	} {
		email := fmt.Sprintf("mail-%d@example.com", i)
		send(t, h, "/auth/register", "", registration(email).with(object{"firstName": name})).Want(t, http.StatusCreated)
		h.LinkTo(t, email)
		mails := h.Outbox.To(email)
		if len(mails) != 1 {
			t.Fatalf("%q: %d mails", name, len(mails))
		}
		text, html := mails[0].Text.Reveal(), mails[0].HTML.Reveal()
		if greeting, _, _ := strings.Cut(text, ","); greeting != "Hello "+name && greeting != "Hello" { // left out where it looks like a link
			t.Errorf("%q is greeted with %q", name, greeting)
		}
		for _, tag := range []string{"<script", "<img", "onerror=alert(1)>", "href=//evil", `href="https://evil`, `href="javascript`, "//evil.io"} {
			if strings.Contains(html, tag) {
				t.Errorf("%q puts %s into the mail", name, tag)
			}
		}
		for part := range strings.SplitSeq(html, "href=") {
			if link, ok := strings.CutPrefix(part, `"`); ok && !strings.HasPrefix(link, "https://front.example.com/app/verify-email?token=") {
				t.Errorf("%q: a link to %.60s", name, link)
			}
		}
		if strings.Contains(mails[0].Subject, name) {
			t.Errorf("%q is in the subject", name)
		}
	}
	before := h.Outbox.Count()
	for _, name := range []string{"a\r\n.\r\nMAIL FROM:<x@y>", "a\nBcc: e@evil.io"} {
		send(t, h, "/auth/register", "", registration("crlf@example.com").with(object{"firstName": name})).Want(t, http.StatusUnprocessableEntity)
	}
	h.Deliver(t)
	if h.Outbox.Count() != before {
		t.Error("a refused registration sent a mail")
	}
}
