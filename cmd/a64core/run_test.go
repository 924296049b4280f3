package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub/internal/config"
)

// outcome is what a run of the program gave.
type outcome struct {
	code           int
	stdout, stderr string
}

// try runs the program with the arguments in the environment env.
func try(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	return tryWith(t, env, "", args...)
}

// tryWith also gives it something to read.
func tryWith(t *testing.T, env map[string]string, stdin string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // should it serve where it must not
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, lookupIn(env), strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts of what is written; empty: nothing is
	}{
		{"nothing", nil, exitUsage, "", "a64core --help"},
		{"unknown command", []string{"launch"}, exitUsage, "", "unexpected argument launch"},
		{"group without command", []string{"config"}, exitUsage, "", "a64core config --help"},
		{"unknown flag", []string{"version", "--loud"}, exitUsage, "", "a64core version --help"},
		{"flag without value", []string{"version", "--port"}, exitUsage, "", "--port"},
		{"boolean that is none", []string{"config", "check", "--debug=maybe"}, exitUsage, "", "--debug"},
		{"help", []string{"--help"}, exitOK, "Usage: a64core", ""},
		{"help of a group", []string{"config", "--help"}, exitOK, "config print", ""},
		{"help of a command", []string{"healthcheck", "--help"}, exitOK, "Examples:", ""},
		{"version", []string{"version"}, exitOK, "a64core ", ""},
		{"settings that are right", []string{"config", "check"}, exitOK, "The settings are valid.", ""},
		{"settings that are wrong", []string{"config", "check", "--port=x"}, exitFailure, "", "mistake: PORT: must be"},
		{"options of a mail server that are wrong", []string{"config", "check", "--mail-driver=smtp", "--mail-from=a@example.com", "--smtp-url=smtp://h?tls=maybe"}, exitFailure, "", "mistake: SMTP_URL: "},
		{"shown with mistakes", []string{"config", "print", "--port=x"}, exitFailure, "DATA_DIR", "PORT: must be"},
		{"missing file", []string{"config", "check", "--env-file=no/such/file"}, exitFailure, "", "no/such/file: cannot be read"},
		{"no server", []string{"healthcheck", "--port=1"}, exitFailure, "", "a64core: ask the server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := try(t, nil, tt.args...)
			if got.code != tt.code || !fits(got.stdout, tt.stdout) || !fits(got.stderr, tt.stderr) {
				t.Errorf("got %d\nstdout: %s\nstderr: %s", got.code, got.stdout, got.stderr)
			}
		})
	}
}

func fits(text, part string) bool {
	if part == "" {
		return text == ""
	}
	return strings.Contains(text, part)
}

func TestEverySettingIsAFlag(t *testing.T) {
	t.Parallel()
	help := try(t, nil, "config", "print", "--help").stdout
	for _, s := range config.Settings() {
		if !strings.Contains(help, "--"+s.Flag()) {
			t.Errorf("--%s is not in the help", s.Flag())
		}
	}
	if short := try(t, nil, "version", "--help").stdout; strings.Contains(short, "--data-dir") {
		t.Error("the help of version lists settings")
	}
}

func TestSettingsComeFromFlagsEnvironmentAndFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "test.env")
	if err := os.WriteFile(file, []byte("HOST=::1\nMAIL_LIMIT=9\nSECRETKEY=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"MAIL_LIMIT": "8", "RATE_LIMIT_GUEST": "1", "MIGRATE": "true", "SECRET_KEY": strings.Repeat("CANARY!", 9)}
	got := try(t, env, "config", "print", "--json", "--env-file", file, "--rate-limit-guest=2", "--debug", "--migrate=false")
	var values []config.Value
	if err := json.Unmarshal([]byte(got.stdout), &values); err != nil || got.code != exitOK {
		t.Fatalf("%d, %v: %s", got.code, err, got.stderr)
	}
	sources := make(map[string][2]string)
	for _, v := range values {
		sources[v.Name] = [2]string{v.Value, v.Source}
	}
	for name, want := range map[string][2]string{
		"HOST": {"::1", file}, "MAIL_LIMIT": {"8", "environment"}, "RATE_LIMIT_GUEST": {"2", "--rate-limit-guest"}, "PORT": {"8000", "default"},
		"DEBUG": {"true", "--debug"}, "MIGRATE": {"false", "--migrate"}, "SECRET_KEY": {"[set]", "environment"},
	} {
		if sources[name] != want {
			t.Errorf("%s is %v, want %v", name, sources[name], want)
		}
	}
	table := try(t, env, "config", "print")
	check := try(t, env, "config", "check", "--env-file", file)
	for _, text := range []string{got.stdout, table.stdout, check.stdout, check.stderr} {
		if strings.Contains(text, "CANARY") {
			t.Errorf("shows the key: %s", text)
		}
	}
	if check.code != exitOK || !strings.Contains(check.stderr, "SECRETKEY is no setting; maybe SECRET_KEY is meant") {
		t.Errorf("check: %+v", check)
	}
}

func TestConfigCheckAnswersInJSON(t *testing.T) {
	t.Parallel()
	got := try(t, map[string]string{"PORT": "x"}, "config", "check", "--json")
	want := `{
  "valid": false,
  "problems": [
    {
      "name": "PORT",
      "message": "must be a whole number from 0 to 65535, not \"x\""
    }
  ],
  "warnings": []
}
`
	if diff := cmp.Diff(outcome{exitFailure, want, ""}, got, cmp.AllowUnexported(outcome{})); diff != "" {
		t.Error(diff)
	}
}

func TestConfigCheckLoadsTheCertificate(t *testing.T) {
	t.Parallel()
	certFile, keyFile := writeCertificate(t, "hub.example.com")
	env := map[string]string{"TLS_CERT_FILE": certFile, "TLS_KEY_FILE": keyFile}
	if got := try(t, env, "config", "check"); got.code != exitOK {
		t.Errorf("a good pair: %+v", got)
	}
	_, env["TLS_KEY_FILE"] = writeCertificate(t, "hub.example.com")
	if got := try(t, env, "config", "check"); got.code != exitFailure || !strings.Contains(got.stderr, "TLS_CERT_FILE") {
		t.Errorf("a key of another certificate: %+v", got)
	}
}

func TestEnvExampleIsPrinted(t *testing.T) {
	t.Parallel()
	if got := try(t, nil, "config", "env-example"); got.stdout != config.EnvExample() || got.code != exitOK {
		t.Errorf("got %d: %s", got.code, got.stderr)
	}
}

func TestTableQuotesWhatATerminalWouldObey(t *testing.T) {
	t.Parallel()
	got := try(t, map[string]string{"APP_NAME": "\x1b[2J"}, "config", "print")
	if strings.Contains(got.stdout, "\x1b") || !strings.Contains(got.stdout, `"\x1b[2J"`) {
		t.Errorf("got %q", got.stdout)
	}
}

func TestFailureToWriteIsAFailure(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"config", "print"}, {"config", "check"}} {
		var stderr bytes.Buffer
		code := run(t.Context(), args, nil, strings.NewReader(""), brokenWriter{}, &stderr)
		if code != exitFailure {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }
