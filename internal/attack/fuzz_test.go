package attack_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/hubtest"
)

// leaks are beginnings of what nobody may be told: passwords, the key, password hashes, tokens.
var leaks = []string{canary, hubtest.Password, hubtest.SecretKey[:20], "$2a$", "$2b$", "eyJhbGciOi"}

// answersTokens are the operations whose answers hold tokens.
var answersTokens = []string{"login", "refresh"}

// fuzzer is one client that plays every role. Several share a hub.
type fuzzer struct {
	*testing.T
	*generator
	h      *hubtest.Hub
	d      *document
	tally  *tally
	cast   map[hub.Role]*hubtest.Person
	target hubtest.Person // whom administrators work on
}

// tally counts answers by operation and status.
type tally struct {
	mu     sync.Mutex
	total  int
	counts map[string]map[int]int

	mails sync.Mutex // who holds it is the only one to deliver
}

func (c *tally) add(id string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	if c.counts[id] == nil {
		c.counts[id] = map[int]int{}
	}
	c.counts[id][status]++
}

// attempt is a request with what its answer must be.
type attempt struct {
	hubtest.Request
	refused   bool // never answered with success
	valid     bool // never called invalid
	elsewhere bool // may lead to no operation
}

func TestR28_FuzzOfEveryOperation(t *testing.T) {
	t.Parallel()
	fuzz(t, 1, 8, 120) // the same requests each time: this must not fail by chance
}

// fuzz sends requests of every operation, by clients at once, and holds every answer and the whole log against the document
// and against what is secret.
func fuzz(t *testing.T, seed uint64, clients, each int) {
	h := hubtest.Start(t, hubtest.Settings{"MAX_SESSIONS": "0"})
	d := readDocument(t, h)
	h.SignUp(t, hub.RoleSuperAdmin) // so that no client's is the last, who cannot be removed
	c := &tally{counts: map[string]map[int]int{}}
	began := time.Now()
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			f := &fuzzer{
				T: t, h: h, d: d, tally: c, cast: map[hub.Role]*hubtest.Person{},
				generator: &generator{Rand: rand.New(rand.NewPCG(seed, uint64(client))), prefix: fmt.Sprintf("fuzz%d", client)},
			}
			for n := 0; n < each && !t.Failed(); n++ {
				f.step(n)
			}
			f.checkHashes()
		})
	}
	all.Wait()
	took := time.Since(began)
	t.Logf("seed %d: %d requests in %v, %.0f a second", seed, c.total, took.Round(time.Millisecond), float64(c.total)/took.Seconds())
	for _, o := range d.operations {
		succeeded := 0
		for status, n := range c.counts[o.id] {
			if status < 300 {
				succeeded += n
			}
		}
		if succeeded == 0 {
			t.Errorf("%s never succeeded, so that little of it was tried: %v", o.id, c.counts[o.id])
		}
	}
	checkLog(t, h.Log.String())
}

func checkLog(t *testing.T, log string) {
	t.Helper()
	for _, secret := range append(leaks, `"level":"ERROR"`, "the document does not name", "panic") {
		if i := strings.Index(log, secret); i >= 0 {
			t.Errorf("%q is in the log: %.500s", secret, log[max(0, i-300):])
		}
	}
}

// actor returns the role's account, made anew if there is none.
func (f *fuzzer) actor(role hub.Role) hubtest.Person {
	f.Helper()
	if f.cast[role] == nil {
		p := f.h.SignUp(f, role)
		f.cast[role] = &p
	}
	return *f.cast[role]
}

// step sends one request and judges the answer. The first of each operation is valid and by who may do everything, so that every
// handler is reached.
func (f *fuzzer) step(n int) {
	o := f.d.operations[n%len(f.d.operations)]
	roles := hub.Roles()
	role := pick(f.generator, append(slices.Clone(roles), hub.RoleSuperAdmin)) // who may do most, twice
	isFirst := n < len(f.d.operations)
	if isFirst {
		role = hub.RoleSuperAdmin
	}
	actor := f.actor(role)
	if f.target.ID == "" || f.oneIn(20) {
		f.target = f.h.SignUp(f, hub.RoleUser)
	}
	if o.id == "restoreUser" {
		f.h.Do(f, hubtest.Request{Method: http.MethodDelete, Path: "/api/v1/users/" + f.target.ID, Token: f.actor(hub.RoleSuperAdmin).AccessToken})
	}
	a := f.attempt(o, actor, isFirst)
	if !isFirst && f.oneIn(7) {
		a.Token = pick(f.generator, []string{"", "garbage", actor.RefreshToken, actor.AccessToken + "A", strings.Repeat("a.", 100)})
		a.refused = a.refused || strings.HasPrefix(o.path, "/api/v1/users") || strings.HasPrefix(o.path, "/api/v1/system")
		a.valid = false
	}
	if !isFirst && f.oneIn(50) {
		f.corrupt(a.Request)
		return
	}
	answer := f.h.Do(f, a.Request)
	f.tally.add(o.id, answer.Status)
	f.judge(n, o, a, answer)
	f.recast(o, role, a, answer)
}

// attempt makes a request that is valid, nearly valid, or neither.
func (f *fuzzer) attempt(o *operation, actor hubtest.Person, isFirst bool) attempt {
	f.Helper()
	a := attempt{Request: hubtest.Request{Method: o.method, Token: actor.AccessToken, Header: map[string]string{}}}
	shape, user := f.IntN(3), pick(f.generator, []string{f.target.ID, f.target.ID, actor.ID, hub.NewID()})
	if isFirst {
		shape, user = 0, f.target.ID
	}
	path := strings.ReplaceAll(o.path, "{userId}", user)
	if strings.Contains(path, "{sessionId}") {
		path = strings.ReplaceAll(path, "{sessionId}", f.sessionOf(actor))
	}
	if shape > 0 && strings.Contains(o.path, "{") && (o.fields == nil || f.oneIn(3)) {
		path = strings.NewReplacer("{userId}", f.nastyID(), "{sessionId}", f.nastyID()).Replace(o.path)
		a.refused, a.elsewhere = true, true
	}
	a.Path = path + f.queryOf(o, shape > 0)
	if shape == 0 {
		a.valid = true
	}
	if o.fields == nil {
		return a
	}
	members := f.valid(o, actor, f.link(o, actor, shape))
	switch {
	case shape == 0:
		a.Body = written(members)
	case shape == 1:
		spoilt, refused := f.spoil(o, members)
		a.Body, a.refused = written(spoilt), a.refused || refused
	case f.oneIn(4):
		a.Body, a.refused = written(members), true
		a.Header["Content-Type"] = pick(f.generator, []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/", ";", "application/x-www-form-urlencoded"})
	case f.oneIn(6):
		a.Body, a.refused = written(members), true
		a.Header["Content-Encoding"] = pick(f.generator, []string{"gzip", "br", "x"})
	default:
		a.Body = f.ruin(written(members))
		a.refused = a.Body != "" || o.id != "logout" // which may go without a body
	}
	return a
}

// sessionOf returns the id of one of the actor's sessions.
func (f *fuzzer) sessionOf(actor hubtest.Person) string {
	f.Helper()
	sessions, err := f.h.Store.SessionsByUser(f.Context(), actor.ID, f.h.Clock.Now(), 1)
	if err != nil || len(sessions) == 0 {
		return hub.NewID()
	}
	return sessions[0].ID
}

// link returns the token of a mail, if the operation wants one: mostly a real one, made for the target.
func (f *fuzzer) link(o *operation, actor hubtest.Person, shape int) string {
	f.Helper()
	if o.id != "verifyEmail" && o.id != "resetPassword" {
		return ""
	}
	if shape > 0 && !f.oneIn(4) {
		return actor.AccessToken // a real token, but of another kind
	}
	f.target = f.h.SignUp(f, hub.RoleUser)
	if o.id == "resetPassword" {
		f.h.Do(f, hubtest.Request{Method: http.MethodPost, Path: "/api/v1/auth/request-password-reset", Body: map[string]any{"email": f.target.Email}}).Want(f, http.StatusOK)
	}
	f.tally.mails.Lock()
	defer f.tally.mails.Unlock()
	return f.h.LinkTo(f, f.target.Email)
}

// judge fails the test for an answer that must not be.
func (f *fuzzer) judge(n int, o *operation, a attempt, got hubtest.Answer) {
	f.Helper()
	fail := func(what string) {
		f.Helper()
		f.Errorf("request %d, %s: %s\n%s %.300s %.100v\n%.500s\n-> %d %.800s", n, o.id, what, a.Method, a.Path, a.Header, a.Body, got.Status, got.Body)
	}
	check := o.check
	if a.elsewhere && got.Code() == "NOT_FOUND" {
		check = func(got hubtest.Answer) error { return matches(f.d.problem, got) }
	}
	if err := check(got); err != nil {
		fail(err.Error())
	}
	switch {
	case got.Status >= 500 && got.Status != http.StatusServiceUnavailable:
		fail("a failure of the hub")
	case a.refused && got.Status < 300:
		fail("must have been refused")
	case a.valid && slices.Contains([]string{"MALFORMED_REQUEST", "VALIDATION_ERROR", "UNSUPPORTED_MEDIA_TYPE", "PAYLOAD_TOO_LARGE"}, got.Code()):
		fail("was valid")
	}
	text := string(got.Body) + fmt.Sprint(got.Header)
	for _, secret := range leaks {
		if strings.Contains(text, secret) && !(secret == "eyJhbGciOi" && slices.Contains(answersTokens, o.id) && got.Status == http.StatusOK) {
			fail(fmt.Sprintf("tells %q", secret))
		}
	}
}

// recast drops accounts that the request may have made useless.
func (f *fuzzer) recast(o *operation, role hub.Role, a attempt, got hubtest.Answer) {
	actor := f.cast[role]
	changes := a.Method != http.MethodGet && got.Status < 300
	endsOwn := slices.Contains([]string{"logout", "deleteOwnUser", "changePassword", "changeEmail", "endOwnSession"}, o.id)
	isDead := got.Status == http.StatusUnauthorized && a.Token == actor.AccessToken && got.Code() != "INVALID_CREDENTIALS"
	if changes && (endsOwn || strings.Contains(a.Path, actor.ID)) || isDead || got.Status == http.StatusTooManyRequests {
		f.cast[role] = nil
	}
}

// corrupt sends the request over a bare connection with some of its bytes changed. What such bytes mean is not known, but
// whatever is answered is HTTP, no failure, and tells nothing.
func (f *fuzzer) corrupt(r hubtest.Request) {
	f.Helper()
	body, _ := r.Body.(string) // none: empty
	text := []byte(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		r.Method, r.Path, r.Token, len(body), body))
	for range 1 + f.IntN(3) {
		text[f.IntN(len(text))] = byte(f.IntN(256))
	}
	c, err := net.Dial("tcp", f.h.Addr())
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = c.Close() }() // the hub may have closed it
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		f.Fatal(err)
	}
	go func() { // the hub may answer before it has read everything
		_, _ = c.Write(text)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return // closed without an answer
	}
	got, _ := io.ReadAll(resp.Body) // may be cut off
	f.tally.add("corrupt", resp.StatusCode)
	ours := []int{http.StatusServiceUnavailable, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported}
	if resp.StatusCode >= 500 && !slices.Contains(ours, resp.StatusCode) {
		f.Errorf("%q: status %d", text, resp.StatusCode)
	}
	for _, secret := range leaks[:len(leaks)-1] { // a login may have been left whole
		if strings.Contains(string(got), secret) {
			f.Errorf("%q: tells %q: %s", text, secret, got)
		}
	}
}

// checkHashes fails the test if the log holds the hash of a token that an account of the cast has.
func (f *fuzzer) checkHashes() {
	f.Helper()
	log := f.h.Log.String()
	for _, p := range f.cast {
		if p == nil {
			continue
		}
		for _, hash := range stored(p.RefreshToken) {
			if strings.Contains(log, hash) {
				f.Error("the hash of a refresh token is in the log")
			}
		}
	}
}

// stored returns what a store keeps of a token, as a log might have it.
func stored(token string) []string {
	sum := sha256.Sum256([]byte(token))
	return []string{hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:])}
}
