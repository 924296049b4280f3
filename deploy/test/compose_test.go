package test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// operator is what an operator sets for compose.production.yaml. The word "canary" marks secrets.
func operator() settings {
	return settings{
		"SECRET_KEY": "canary-hT4vRk8wQm2xLp6yNc9sHb3dGf7jVa5u", "FRONTEND_URL": "https://app.test", "TLS_DIR": "/srv/tls",
		"MONGODB_ROOT_PASSWORD": "canary1", "MONGODB_PASSWORD": "canary2", "MYSQL_ROOT_PASSWORD": "canary3", "MYSQL_PASSWORD": "canary4",
		"REDIS_PASSWORD": "canary5", "GRAFANA_PASSWORD": "canary6", "MAIL_FROM": "no-reply@app.test", "SMTP_URL": "smtps://u:canary7@smtp.test",
	}
}

// load loads a Compose file as Docker Compose does. Nothing comes from this machine's environment.
func load(file string, variables settings, profiles ...string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, file)},
		cli.WithEnv(variables.environ()), cli.WithProfiles(profiles), cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}

// project is a Compose file, loaded.
type project struct {
	*types.Project
	name       string
	production bool
}

// projects loads every file with each of its profiles.
func projects(t *testing.T) []project {
	t.Helper()
	var all []project
	for _, p := range []struct {
		file      string
		variables settings
		profiles  []string
	}{
		{"compose.yaml", nil, nil},
		{"compose.production.yaml", operator(), nil},
		{"compose.production.yaml", operator(), []string{"monitoring"}},
		{"compose.test.yaml", nil, nil},
	} {
		loaded, err := load(p.file, p.variables, p.profiles...)
		if err != nil {
			t.Fatalf("%s: %v", p.file, err)
		}
		all = append(all, project{loaded, strings.Join(append([]string{p.file}, p.profiles...), "+"), p.variables != nil})
	}
	return all
}

func TestComposeFilesHaveTheirServicesAndPorts(t *testing.T) {
	t.Parallel()
	want := map[string]map[string][]string{
		"compose.yaml": {
			"api": {"127.0.0.1:8000:8000"}, "mongodb": {"127.0.0.1:27017:27017"}, "mysql": {"127.0.0.1:3306:3306"},
			"adminer": {"127.0.0.1:8080:8080"}, "redis": {"127.0.0.1:6379:6379"},
		},
		"compose.production.yaml": {
			"nginx": {":80:80", ":443:443"}, "migrate": nil, "api1": nil, "api2": nil, "api3": nil, "mongodb": nil, "mysql": nil, "redis": nil,
		},
		"compose.test.yaml": {
			"mongodb": {"127.0.0.1:27017:27017"}, "mysql": {"127.0.0.1:3306:3306"}, "mariadb": {"127.0.0.1:3307:3306"},
			"redis": {"127.0.0.1:6379:6379"},
		},
	}
	monitored := maps.Clone(want["compose.production.yaml"])
	monitored["prometheus"], monitored["grafana"] = nil, []string{"127.0.0.1:3000:3000"}
	want["compose.production.yaml+monitoring"] = monitored
	for _, p := range projects(t) {
		got := make(map[string][]string)
		for name, service := range p.Services {
			got[name] = nil
			for _, port := range service.Ports {
				got[name] = append(got[name], port.HostIP+":"+port.Published+":"+strconv.Itoa(int(port.Target)))
			}
		}
		if diff := cmp.Diff(want[p.name], got); diff != "" {
			t.Errorf("%s: %s", p.name, diff)
		}
	}
}

func TestEveryServiceRotatesItsLogAndTellsItsHealth(t *testing.T) {
	t.Parallel()
	for _, p := range projects(t) {
		for name, service := range p.Services {
			at := p.name + ": " + name
			if diff := cmp.Diff(&types.LoggingConfig{Driver: "json-file", Options: types.Options{"max-size": "10m", "max-file": "3"}}, service.Logging); diff != "" {
				t.Errorf("%s: log: %s", at, diff)
			}
			if name == "migrate" { // ends by itself
				continue
			}
			if service.HealthCheck == nil || service.HealthCheck.Disable || len(service.HealthCheck.Test) == 0 {
				t.Errorf("%s has no health check", at)
			}
		}
	}
}

func TestServicesMayDoNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	for _, p := range projects(t) {
		if p.name == "compose.test.yaml" {
			continue
		}
		for name, service := range p.Services {
			at := p.name + ": " + name
			if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
				t.Errorf("%s: read-only %v, dropped %v, %v", at, service.ReadOnly, service.CapDrop, service.SecurityOpt)
			}
			if len(service.CapAdd) > 0 && name != "nginx" || service.Privileged {
				t.Errorf("%s may do %v", at, service.CapAdd)
			}
			if service.Deploy == nil || service.Deploy.Resources.Limits == nil || service.Deploy.Resources.Limits.MemoryBytes == 0 || service.Deploy.Resources.Limits.NanoCPUs == 0 {
				t.Errorf("%s has no limits", at)
			}
			if !strings.Contains(service.Image, ":") && service.Build == nil || strings.HasSuffix(service.Image, ":latest") {
				t.Errorf("%s: %s has no version", at, service.Image)
			}
			if service.Restart == "" {
				t.Errorf("%s is not started again", at)
			}
		}
	}
}

func TestDatabasesOfProductionAreOutOfReach(t *testing.T) {
	t.Parallel()
	for _, p := range projects(t) {
		if !p.production {
			continue
		}
		if !p.Networks["data"].Internal {
			t.Errorf("%s: the databases' network leads outside", p.name)
		}
		for _, name := range []string{"mongodb", "mysql", "redis"} {
			if networks := slices.Collect(maps.Keys(p.Services[name].Networks)); !slices.Equal(networks, []string{"data"}) {
				t.Errorf("%s: %s is in %v", p.name, name, networks)
			}
		}
		for name, service := range p.Services {
			if _, ok := service.Networks["edge"]; ok && name != "nginx" && !isHub(service) {
				t.Errorf("%s: the hubs would believe X-Forwarded-For of %s", p.name, name)
			}
		}
		subnet := p.Networks["edge"].Ipam.Config[0].Subnet
		if trusted := value(p.Services["api1"], "TRUSTED_PROXIES"); trusted != subnet {
			t.Errorf("%s: trusts %s, and nginx is in %s", p.name, trusted, subnet)
		}
	}
}

func TestProductionMigratesOnceBeforeTheHubs(t *testing.T) {
	t.Parallel()
	p, err := load("compose.production.yaml", operator())
	if err != nil {
		t.Fatal(err)
	}
	if command := p.Services["migrate"].Command; !slices.Equal(command, []string{"migrate"}) {
		t.Errorf("migrate runs %v", command)
	}
	for _, name := range []string{"api1", "api2", "api3"} {
		service := p.Services[name]
		if service.DependsOn["migrate"].Condition != types.ServiceConditionCompletedSuccessfully {
			t.Errorf("%s does not wait for migrate: %v", name, service.DependsOn)
		}
		if value(service, "MIGRATE") != "false" {
			t.Errorf("%s migrates itself", name)
		}
		if p.Services["nginx"].DependsOn[name].Condition != types.ServiceConditionHealthy {
			t.Errorf("nginx does not wait for %s", name)
		}
		if diff := cmp.Diff(p.Services["api1"].Environment, service.Environment); diff != "" {
			t.Errorf("%s has other settings than api1: %s", name, diff)
		}
	}
}

// TestHubsAreSetRight holds that the hub accepts the settings of every service that runs it.
func TestHubsAreSetRight(t *testing.T) {
	t.Parallel()
	for _, p := range projects(t) {
		for name, service := range p.Services {
			if !isHub(service) {
				continue
			}
			at := p.name + ": " + name
			s := environment(service)
			checkSettings(t, at, s)
			now := inForce(t, s)
			if want := map[bool]string{false: "development", true: "production"}[p.production]; now["ENVIRONMENT"] != want {
				t.Errorf("%s: ENVIRONMENT is %s", at, now["ENVIRONMENT"])
			}
			if now["HOST"] != "0.0.0.0" || now["PORT"] != "8000" || now["DATABASE"] != "dual" {
				t.Errorf("%s: serves %s from %s:%s", at, now["DATABASE"], now["HOST"], now["PORT"])
			}
			stopping := now.duration(t, "SHUTDOWN_DELAY") + now.duration(t, "SHUTDOWN_TIMEOUT")
			if grace := service.StopGracePeriod; grace == nil || time.Duration(*grace) < stopping+90*time.Second {
				t.Errorf("%s is killed after %v, and may take %v to stop", at, grace, stopping)
			}
		}
	}
}

// TestOperationsNameWhatProductionWants holds that whoever follows the documentation sets all that has no default.
func TestOperationsNameWhatProductionWants(t *testing.T) {
	t.Parallel()
	text := readFile(t, "docs/operations.md")
	_, text, _ = strings.Cut(text, "\n## Containers\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for name := range operator() {
		if !strings.Contains(text, name) {
			t.Errorf("%s is not named", name)
		}
	}
}

// TestPrometheusScrapesEveryHub holds that its configuration names the hubs, where they serve metrics, and that it reaches them.
func TestPrometheusScrapesEveryHub(t *testing.T) {
	t.Parallel()
	p, err := load("compose.production.yaml", operator(), "monitoring")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "deploy/prometheus/prometheus.yml")), &config); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range []string{"api1", "api2", "api3"} {
		_, port, _ := strings.Cut(value(p.Services[name], "METRICS_ADDR"), ":")
		want = append(want, name+":"+port)
		if _, ok := p.Services[name].Networks["monitoring"]; !ok {
			t.Errorf("%s is out of Prometheus's reach", name)
		}
	}
	if diff := cmp.Diff(want, config.ScrapeConfigs[0].StaticConfigs[0].Targets); diff != "" {
		t.Error(diff)
	}
}

func TestProductionRefusesWhatIsMissingOrWeak(t *testing.T) {
	t.Parallel()
	for name := range operator() {
		if name == "SMTP_URL" { // needed by one of the mail drivers only: the hub says so
			continue
		}
		variables := operator()
		delete(variables, name)
		if _, err := load("compose.production.yaml", variables); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for name, bad := range map[string]string{"SECRET_KEY": "change-this-secret-key-in-production", "FRONTEND_URL": "http://app.test", "SMTP_URL": ""} {
		p, err := load("compose.production.yaml", operator().with(settings{name: bad}))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := program(t, environment(p.Services["api1"]), "config", "check").CombinedOutput(); err == nil || !strings.Contains(string(out), name) {
			t.Errorf("%s=%s: %v, %s", name, bad, err, out)
		}
	}
}

// TestNoSecretIsWritten holds that whatever looks like a secret comes from the operator, and that those of development open
// nothing but ports of the same machine.
func TestNoSecretIsWritten(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`PASSWORD$|SECRET|KEY$|AUTH$`)
	credentials := regexp.MustCompile(`//[^/@]*@`)
	for _, p := range projects(t) {
		for name, service := range p.Services {
			for variable, pointer := range service.Environment {
				text := ""
				if pointer != nil {
					text = *pointer
				}
				if text == "" || text == "yes" || !secret.MatchString(variable) && !credentials.MatchString(text) {
					continue
				}
				if p.production && !strings.Contains(text, "canary") || !p.production && text != "development" {
					t.Errorf("%s: %s: %s is written into the file", p.name, name, variable)
				}
			}
			for _, port := range service.Ports {
				if !p.production && port.HostIP != "127.0.0.1" {
					t.Errorf("%s: %s listens to everybody", p.name, name)
				}
			}
			if command := strings.Join(service.Command, " "); strings.Contains(command, "canary") {
				t.Errorf("%s: %s shows a secret to every process: %s", p.name, name, command)
			}
		}
	}
}

func TestMountedFilesExist(t *testing.T) {
	t.Parallel()
	for _, p := range projects(t) {
		for name, service := range p.Services {
			for _, volume := range service.Volumes {
				if volume.Type != types.VolumeTypeBind || volume.Source == operator()["TLS_DIR"] {
					continue
				}
				if _, err := os.Stat(volume.Source); err != nil {
					t.Errorf("%s: %s: %v", p.name, name, err)
				}
				if !volume.ReadOnly {
					t.Errorf("%s: %s may write to %s", p.name, name, volume.Source)
				}
			}
		}
	}
}

// TestServersForTestsAreWhereItIsWritten compares compose.test.yaml with what it says, and with what CONTRIBUTING.md does.
func TestServersForTestsAreWhereItIsWritten(t *testing.T) {
	t.Parallel()
	p, err := load("compose.test.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, "compose.test.yaml")
	for service, address := range map[string]string{
		"mongodb": "A64_TEST_MONGODB_URL=mongodb://127.0.0.1:PORT/", "mysql": "A64_TEST_MYSQL_DSN='root@tcp(127.0.0.1:PORT)/'",
		"mariadb": "A64_TEST_MARIADB_DSN='root@tcp(127.0.0.1:PORT)/'", "redis": "A64_TEST_REDIS_URL=redis://127.0.0.1:PORT",
	} {
		address = strings.Replace(address, "PORT", p.Services[service].Ports[0].Published, 1)
		if !strings.Contains(text, "export "+address+"\n") {
			t.Errorf("compose.test.yaml does not say: export %s", address)
		}
		_, address, _ = strings.Cut(strings.ReplaceAll(address, "'", ""), "=")
		if service != "mariadb" && !strings.Contains(readFile(t, "CONTRIBUTING.md"), "`"+address+"`") {
			t.Errorf("CONTRIBUTING.md does not name %s", address)
		}
	}
}

// isHub reports whether the service runs the hub.
func isHub(service types.ServiceConfig) bool { return service.Build != nil }

// environment returns the settings of a service that runs the hub.
func environment(service types.ServiceConfig) settings {
	s := make(settings)
	for name := range service.Environment {
		s[name] = value(service, name)
	}
	return s
}

func value(service types.ServiceConfig, variable string) string {
	if pointer := service.Environment[variable]; pointer != nil {
		return *pointer
	}
	return ""
}
