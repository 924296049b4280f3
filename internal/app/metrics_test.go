package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	dto "github.com/prometheus/client_model/go"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/store/testdb"
)

// scrape collects the metrics of a hub as Prometheus does.
func scrape(t *testing.T, h *hubtest.Hub) (text string, families map[string]*dto.MetricFamily) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+h.App.MetricsAddr().String()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", answer.StatusCode, err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err = parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return string(body), families
}

// value returns the value of the one series of a family with these labels, as "name=value", or the count of a histogram.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		var has []string
		for _, l := range m.GetLabel() {
			has = append(has, l.GetName()+"="+l.GetValue())
		}
		slices.Sort(has)
		slices.Sort(labels)
		if !slices.Equal(has, labels) {
			continue
		}
		switch {
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		case m.Counter != nil:
			return m.Counter.GetValue()
		}
		return m.Gauge.GetValue()
	}
	t.Errorf("%s%v: no such series", name, labels)
	return -1
}

// measured returns a hub that has done something of everything that metrics tell of.
func measured(t *testing.T) *hubtest.Hub {
	t.Helper()
	h := hubtest.Start(t, hubtest.Settings{"METRICS_ADDR": "127.0.0.1:0", "RATE_LIMIT_MODERATOR": "2"})
	p := h.SignUp(t, hub.RoleUser)
	for range 5 {
		h.TryLogin(t, p.Email, "Wrong-Password-7-Battery").Want(t, http.StatusUnauthorized)
	}
	h.TryLogin(t, p.Email, hubtest.Password).Want(t, http.StatusTooManyRequests)
	moderator := h.SignUp(t, hub.RoleModerator)
	for range 2 {
		h.Me(t, moderator.AccessToken).Want(t, http.StatusOK)
	}
	h.Me(t, moderator.AccessToken).Want(t, http.StatusTooManyRequests)
	return h
}

func TestMetricsTellWhatHappened(t *testing.T) {
	t.Parallel()
	h := measured(t)
	for i := range 50 { // what a client may choose makes no series
		h.Do(t, hubtest.Request{Method: fmt.Sprintf("X%d", i), Path: "/"})
		h.Do(t, hubtest.Request{Method: http.MethodGet, Path: fmt.Sprintf("/api/v1/users/%d/%d", i, i)})
	}
	text, families := scrape(t, h)
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"a64core_http_request_duration_seconds", []string{"method=GET", "route=/api/v1/auth/me", "status=200"}, 2},
		{"a64core_http_request_duration_seconds", []string{"method=GET", "route=none", "status=429"}, 1}, // refused before there was a route
		{"a64core_http_request_duration_seconds", []string{"method=GET", "route=none", "status=404"}, 50},
		{"a64core_http_request_duration_seconds", []string{"method=other", "route=none", "status=405"}, 50},
		{"a64core_http_requests_in_flight", nil, 0},
		{"a64core_logins_total", []string{"outcome=success"}, 2},
		{"a64core_logins_total", []string{"outcome=failed"}, 5},
		{"a64core_logins_total", []string{"outcome=locked"}, 1},
		{"a64core_logins_total", []string{"outcome=inactive"}, 0},
		{"a64core_events_total", []string{"kind=user.registered"}, 2},
		{"a64core_rate_limit_refusals_total", []string{"role=moderator"}, 1},
		{"a64core_rate_limit_refusals_total", []string{"role=guest"}, 0},
		{"a64core_password_hashes_running", nil, 0},
		{"a64core_ready", nil, 1},
		{"a64core_sessions", nil, 2},
		{"a64core_users", []string{"role=moderator", "state=active"}, 1},
		{"a64core_mails", []string{"state=dead"}, 0},
	} {
		if got := value(t, families, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%v = %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	for _, pool := range families["a64core_database_connections_max"].GetMetric() {
		if pool.Gauge.GetValue() < 1 {
			t.Errorf("a pool of no connections: %v", pool)
		}
	}
	for what, secret := range map[string]string{"an address": "@example.com", "a password": hubtest.Password, "a key": hubtest.SecretKey} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in the metrics", what)
		}
	}
	lint(t, text)
}

// lint has Prometheus' own tool look at names, types and help texts.
func lint(t *testing.T, text string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testdb.Program(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func TestMetricsAreServedNowhereElse(t *testing.T) {
	t.Parallel()
	h := measured(t)
	h.Do(t, hubtest.Request{Method: http.MethodGet, Path: "/metrics"}).Want(t, http.StatusNotFound)
	address := h.App.MetricsAddr().String()
	answer, err := h.HTTP.Get("http://" + address + "/api/health")
	if err != nil || answer.StatusCode != http.StatusNotFound {
		t.Errorf("the metrics' port answers other paths: %v", err)
	}
	_ = answer.Body.Close()
	h.Stop()
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the metrics' port is still open after the hub has stopped")
	}
}

func TestATakenMetricsPortIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, err = listenWith(t, hubtest.Settings{"METRICS_ADDR": taken.Addr().String()})
	if err == nil || !strings.HasPrefix(err.Error(), "METRICS_ADDR: ") {
		t.Errorf("got %v", err)
	}
}

const deploy = "../../deploy"

// TestAlertsFireWhenTheyShould runs the rules' own tests: rules_test.yml.
func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool := testdb.Program(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "rules.yml"}, {"check", "config", "--syntax-only", "prometheus.yml"}, {"test", "rules", "rules_test.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = deploy + "/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestWhatIsNamedIsMeasured has all metrics that rules, the dashboard and the documentation name in a scrape of a hub, and the
// documentation name all that are ours.
func TestWhatIsNamedIsMeasured(t *testing.T) {
	t.Parallel()
	_, families := scrape(t, measured(t))
	onlyThen := regexp.MustCompile(`^a64core_(replica|redis)_`) // with two databases, with Redis
	name := regexp.MustCompile(`\ba64core_[a-z_]+`)
	documented := map[string]bool{}
	for _, file := range []string{deploy + "/prometheus/rules.yml", deploy + "/grafana/dashboards/a64core.json", "../../docs/metrics.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := name.FindAllString(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s: only %d names", file, len(found))
		}
		for _, n := range found {
			base := n
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				base = strings.TrimSuffix(base, suffix)
			}
			if families[base] == nil && !onlyThen.MatchString(base) {
				t.Errorf("%s names %s, which there is not", file, n)
			}
			documented[n] = documented[n] || strings.HasSuffix(file, ".md")
		}
	}
	for _, n := range slices.Sorted(maps.Keys(families)) {
		if strings.HasPrefix(n, "a64core_") && !documented[n] {
			t.Errorf("docs/metrics.md lacks %s", n)
		}
	}
}

// listenWith wires a hub and opens its ports.
func listenWith(t *testing.T, settings hubtest.Settings) (net.Listener, error) {
	t.Helper()
	settings["DATA_DIR"], settings["PORT"], settings["SECRET_KEY"] = t.TempDir(), "0", hubtest.SecretKey
	c, err := config.Load(config.Source{Lookup: func(name string) (string, bool) {
		value, ok := settings[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a.Listen(context.WithoutCancel(t.Context()))
}
