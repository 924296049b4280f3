package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHubRunsWithTheSettingsOfCompose does what Compose would, by hand: it migrates with the settings of the service "migrate"
// and serves with those of "api1". Only addresses are this machine's, and nobody takes the mail.
func TestHubRunsWithTheSettingsOfCompose(t *testing.T) {
	t.Parallel()
	p, err := load("compose.production.yaml", operator())
	if err != nil {
		t.Fatal(err)
	}
	here := servers(t).with(settings{
		"HOST": "127.0.0.1", "PORT": "0", "METRICS_ADDR": "127.0.0.1:0", "SMTP_URL": "smtp://127.0.0.1:9",
		"DATA_DIR": filepath.Join(os.DevNull, "data"), // all else is read-only, and this is as good as that
	})
	local := func(service string) settings {
		return environment(p.Services[service]).with(here)
	}

	migrate := program(t, local("migrate"), p.Services["migrate"].Command...)
	if out := run(t, migrate); strings.Count(out, "is now at version") != 2 {
		t.Errorf("migrate says %q", out)
	}
	h := serve(t, program(t, local("api1"), "serve"))
	check := p.Services["api1"].HealthCheck.Test // CMD /a64core healthcheck
	run(t, program(t, local("api1").with(settings{"PORT": h.port(t)}), check[2:]...))
	h.signUp(t)
	h.stop(t)
	if strings.Contains(h.log.String(), "canary") {
		t.Error("the log shows a secret")
	}
}
