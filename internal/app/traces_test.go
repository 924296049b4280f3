package app_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/store/testdb"
	"github.com/a64core/hub/internal/telemetry/otlp/otlptest"
)

// traced returns a hub that keeps all traces, and what they go to.
func traced(t testing.TB, settings ...hubtest.Settings) (*hubtest.Hub, *otlptest.Collector) {
	t.Helper()
	c := otlptest.Start(t)
	on := hubtest.Settings{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_TRACES_SAMPLER_ARG": "1"}
	return hubtest.Start(t, append([]hubtest.Settings{on}, settings...)...), c
}

// only returns the one span of that name.
func only(t *testing.T, c *otlptest.Collector, name string) otlptest.Span {
	t.Helper()
	all := c.Spans()
	found := slices.DeleteFunc(slices.Clone(all), func(s otlptest.Span) bool { return s.GetName() != name })
	if len(found) != 1 {
		var names []string
		for _, s := range all {
			names = append(names, s.GetName())
		}
		t.Fatalf("%d spans %q, want one, among %q", len(found), name, names)
	}
	return found[0]
}

// steps returns the names of the spans below one, those of databases without the engine's.
func steps(c *otlptest.Collector, parent otlptest.Span) (names []string) {
	for _, s := range c.Below(parent) {
		name := s.GetName()
		if engine := s.Attributes["db.system.name"]; engine != "" {
			name = strings.TrimPrefix(name, engine+".")
		}
		names = append(names, name)
	}
	return names
}

// holdsInOrder reports whether names holds those of want in their order, and maybe others between them: with two databases
// there are more.
func holdsInOrder(names []string, want ...string) bool {
	for _, name := range names {
		if len(want) > 0 && name == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

func TestTracesShowWhatARequestWaitsFor(t *testing.T) {
	t.Parallel()
	h, c := traced(t)
	p := h.SignUp(t, hub.RoleUser)
	h.Refresh(t, p.RefreshToken).Want(t, http.StatusOK)
	h.TryLogin(t, "nobody@example.com", hubtest.Password).Want(t, http.StatusUnauthorized)
	h.Do(t, hubtest.Request{Method: "BREW", Path: "/api/v1/auth/me"}).Want(t, http.StatusMethodNotAllowed)
	h.Deliver(t)
	h.Stop() // which sends what is left

	for _, tt := range []struct {
		name string
		want []string
	}{
		{"POST /api/v1/auth/register", []string{"password.hash", "AddUser"}},
		{"POST /api/v1/auth/refresh", []string{"SessionWithUser", "UpdateSession"}},
		{"mail.deliver", []string{"UserByID", "mail.send", "UpdateMail"}},
		{"HTTP", nil},
	} {
		s := only(t, c, tt.name)
		if s.ParentID != "" || !holdsInOrder(steps(c, s), tt.want...) {
			t.Errorf("below %s, whose parent is %q, there are %q, want %q", tt.name, s.ParentID, steps(c, s), tt.want)
		}
	}
	logins := slices.DeleteFunc(c.Spans(), func(s otlptest.Span) bool { return s.GetName() != "POST /api/v1/auth/login" })
	if len(logins) != 2 {
		t.Fatalf("%d logins, want 2", len(logins))
	}
	for i, want := range [][]string{{"LockoutByKey", "UserByEmail", "password.hash", "AddSession"}, {"LockoutByKey", "UserByEmail", "password.hash", "PutLockout"}} {
		if got := steps(c, logins[i]); !holdsInOrder(got, want...) {
			t.Errorf("below login %d there are %q, want %q", i+1, got, want)
		}
	}
	used := map[string]bool{}
	for _, s := range c.Below(logins[0]) {
		used[s.Attributes["db.system.name"]] = true
	}
	for _, engine := range app.Engines(config.Config{Database: config.Database(testdb.Database())}) {
		if !used[string(engine)] {
			t.Errorf("below a login there is nothing of %s", engine)
		}
	}
	want := map[string]string{"http.request.method": "POST", "http.route": "/api/v1/auth/login", "http.response.status_code": "401", "error.type": "INVALID_CREDENTIALS"}
	if diff := cmp.Diff(want, logins[1].Attributes); diff != "" || logins[1].GetKind() != trace.Span_SPAN_KIND_SERVER {
		t.Errorf("a login that failed is a span of kind %v with\n%s", logins[1].GetKind(), diff)
	}
	if status := logins[1].GetStatus().GetCode(); status == trace.Status_STATUS_CODE_ERROR {
		t.Error("a wrong password is taken for a fault of ours")
	}
	about := c.About()
	for name, want := range map[string]string{"service.name": "a64core", "service.version": "test", "deployment.environment.name": "development"} {
		if about[name] != want {
			t.Errorf("%s is %q, want %q", name, about[name], want)
		}
	}
}

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
)

func traceparent(flags string) map[string]string {
	return map[string]string{"Traceparent": "00-" + callersTrace + "-" + callersSpan + "-" + flags, "Tracestate": "vendor=CANARY-state"}
}

func TestTracesOfTrustedCallersGoOn(t *testing.T) {
	t.Parallel()
	h, c := traced(t, hubtest.Settings{"TRUSTED_PROXIES": "127.0.0.1", "OTEL_TRACES_SAMPLER_ARG": "0"})
	for _, flags := range []string{"01", "00"} { // kept as they say, whatever our own part is
		a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/auth/me", Header: traceparent(flags)}).Want(t, http.StatusUnauthorized)
		if a.JSON(t)["traceId"] != callersTrace || !strings.HasPrefix(a.Header.Get("Traceresponse"), "00-"+callersTrace+"-") {
			t.Errorf("with flags %s: traceresponse %q and %s", flags, a.Header.Get("Traceresponse"), a.Body)
		}
	}
	h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/auth/me"}).Want(t, http.StatusUnauthorized) // 0 % of our own
	h.Stop()
	s := only(t, c, "GET /api/v1/auth/me")
	if s.TraceID != callersTrace || s.ParentID != callersSpan || s.GetTraceState() != "vendor=CANARY-state" || len(s.GetLinks()) > 0 {
		t.Errorf("the span does not go on with the caller's trace: %v", s.Span)
	}
}

func TestStrangersDecideNothingAboutTraces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part string
		kept int
	}{{"0", 0}, {"1", 1}} {
		t.Run(tt.part, func(t *testing.T) {
			t.Parallel()
			h, c := traced(t, hubtest.Settings{"OTEL_TRACES_SAMPLER_ARG": tt.part})
			flags := map[string]string{"0": "01", "1": "00"}[tt.part] // the opposite of what we do
			a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/auth/me", Header: traceparent(flags)})
			h.Stop()
			spans := c.Spans()
			if id, _ := a.JSON(t)["traceId"].(string); len(spans) != tt.kept || len(id) != 32 || id == callersTrace {
				t.Fatalf("%d spans, want %d; trace %q", len(spans), tt.kept, id)
			}
			for _, s := range spans {
				links := s.GetLinks()
				if s.ParentID != "" || s.TraceID == callersTrace || len(links) != 1 || links[0].GetTraceState() != "" {
					t.Errorf("not a trace of its own with a link to the caller's: %v", s.Span)
				}
			}
			if bytes.Contains(c.Raw(), []byte("CANARY")) {
				t.Error("a stranger's tracestate was kept")
			}
		})
	}
}

func TestTracesHoldNothingThatAClientSent(t *testing.T) {
	t.Parallel()
	h, c := traced(t, hubtest.Settings{"OTEL_EXPORTER_OTLP_HEADERS": "Api-Key=CANARY-key"})
	p, admin := h.SignUp(t, hub.RoleUser), h.SignUp(t, hub.RoleAdmin)
	verify := h.LinkTo(t, p.Email)
	secrets := map[string]string{
		"password": hubtest.Password, "address": p.Email, "user": p.ID, "access token": p.AccessToken, "refresh token": p.RefreshToken,
		"link": verify, "key": hubtest.SecretKey, "collector's key": "CANARY-key", "path, query, header, method or body": "CANARY", "client's address": "127.0.0.1",
	}
	for _, r := range []hubtest.Request{
		{Method: http.MethodPost, Path: "/api/v1/auth/verify-email", Body: map[string]any{"token": verify}},
		{Method: http.MethodPost, Path: "/api/v1/auth/verify-email", Body: map[string]any{"token": verify}}, // used
		{Method: http.MethodPost, Path: "/api/v1/auth/register", Body: hubtest.Registration(p.Email)},       // taken
		{Method: http.MethodGet, Path: "/api/v1/users/" + p.ID + "?CANARY=CANARY", Token: admin.AccessToken},
		{Method: http.MethodGet, Path: "/api/v1/users?search=CANARY", Token: admin.AccessToken},
		{Method: http.MethodGet, Path: "/CANARY", Header: map[string]string{"X-Request-Id": "CANARY", "User-Agent": "CANARY"}},
		{Method: "CANARY", Path: "/"},
		{Method: http.MethodPost, Path: "/api/v1/auth/login", Body: map[string]any{"CANARY": "CANARY"}},
		{Method: http.MethodPost, Path: "/api/v1/auth/refresh", Body: map[string]any{"refreshToken": p.RefreshToken}},
		{Method: http.MethodGet, Path: "/api/v1/auth/me", Token: "CANARY"},
	} {
		h.Do(t, r)
	}
	h.Deliver(t)
	h.Stop()
	if n := len(c.Spans()); n < 40 {
		t.Errorf("only %d spans", n)
	}
	if got := c.Header().Get("Api-Key"); got != "CANARY-key" {
		t.Errorf("the collector was told %q", got)
	}
	for what, secret := range secrets {
		if bytes.Contains(c.Raw(), []byte(secret)) {
			t.Errorf("%s is in the traces", what)
		}
	}
}

func TestAFaultOfOursFailsItsSpans(t *testing.T) {
	t.Parallel()
	h, c := traced(t)
	p := h.SignUp(t, hub.RoleUser)
	tooBusy := errors.New("too busy for " + p.Email)
	h.Outbox.FailWith(tooBusy)
	h.Deliver(t)
	h.Stop()
	for _, name := range []string{"mail.deliver", "mail.send"} {
		s := only(t, c, name)
		if s.GetStatus().GetCode() != trace.Status_STATUS_CODE_ERROR || s.Attributes["error.type"] != "_OTHER" {
			t.Errorf("%s has status %v, %v", name, s.GetStatus(), s.Attributes)
		}
	}
	if bytes.Contains(c.Raw(), []byte("too busy")) {
		t.Error("the text of an error is in the traces")
	}
}

func TestTracesShowLimitsInRedis(t *testing.T) {
	t.Parallel()
	h, c := traced(t, withRedis(testdb.StartRedis(t)), hubtest.Settings{"RATE_LIMIT_GUEST": "1000"})
	becomes(t, h, "healthy")
	for range 20 { // of which a hub on a busy machine may decide some alone
		h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/auth/me"}).Want(t, http.StatusUnauthorized)
	}
	h.Stop()
	if !slices.ContainsFunc(c.Spans(), func(s otlptest.Span) bool {
		return s.GetName() == "GET /api/v1/auth/me" && slices.Equal(steps(c, s), []string{"redis.take"})
	}) {
		t.Error("no request asked Redis")
	}
}

func TestAMailThatIsNotNeededAnyMoreIsNoFault(t *testing.T) {
	t.Parallel()
	h, c := traced(t)
	p := h.SignUp(t, hub.RoleUser)
	h.Edit(t, p.ID, func(u *hub.User) { u.IsEmailVerified = true })
	h.Deliver(t)
	h.Stop()
	if s := only(t, c, "mail.deliver"); s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR || h.Outbox.Count() > 0 {
		t.Errorf("%d mails sent; status %v", h.Outbox.Count(), s.GetStatus())
	}
}

// TestACollectorThatIsAwayHurtsNobody has nobody answer: requests go on, and the end waits no longer than it may.
func TestACollectorThatIsAwayHurtsNobody(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections are taken by the system, and that is all
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	h := hubtest.Start(t, hubtest.Settings{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + silent.Addr().String(), "OTEL_TRACES_SAMPLER_ARG": "1"})
	p := h.SignUp(t, hub.RoleUser)
	for range 500 {
		h.Me(t, p.AccessToken).Want(t, http.StatusOK)
	}
	began := time.Now()
	h.Stop()
	if took := time.Since(began); took > 20*time.Second { // 3 of them are for the collector, 2 for requests
		t.Errorf("stopping took %v", took)
	}
	if !strings.Contains(h.Log.String(), "the collector did not take the last spans in time") {
		t.Error("the log does not say that spans are missing")
	}
}

// TestTracesOffRunNothing is not parallel, so that no other test has traces on meanwhile.
func TestTracesOffRunNothing(t *testing.T) {
	for _, on := range []bool{false, true} {
		settings := hubtest.Settings{}
		if on {
			settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlptest.Start(t).URL
		}
		h := hubtest.Start(t, settings)
		a := h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/api/v1/auth/me", Header: traceparent("01")}).Want(t, http.StatusUnauthorized)
		stacks := make([]byte, 4<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if got := bytes.Contains(stacks, []byte("go.opentelemetry.io/otel")); got != on {
			t.Errorf("with traces on %v, OpenTelemetry runs: %v", on, got)
		}
		if _, named := a.JSON(t)["traceId"]; named != on || (a.Header.Get("Traceresponse") != "") != on {
			t.Errorf("with traces on %v: %v %s", on, a.Header, a.Body)
		}
		h.Stop()
	}
}
