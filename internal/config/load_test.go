package config

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	// strongKey has the form that the help recommends: 48 random bytes in base64.
	strongKey = "Zk3vQm9XrT7pLw2NfB8sYhJ4uGcD6eAoR1iVtKzMnC5xPqWjSbEyHgUdFa0lO+9I"
	otherKey  = "pT8yRw4KqLz1NvXm7CbJ3hGfD5sAoI9uEeYtVrQxW2kMjPnBgUcHdSiFa6lZ0O/t"
)

// from returns a source whose environment holds the pairs.
func from(env map[string]string) Source {
	return Source{Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
}

// production returns an environment that production accepts, with changes.
func production(changes map[string]string) map[string]string {
	env := map[string]string{
		"ENVIRONMENT": "production", "SECRET_KEY": strongKey, "FRONTEND_URL": "https://app.example.com",
		"MAIL_DRIVER": "smtp", "SMTP_URL": "smtp://u:p@mail.example.com:587", "MAIL_FROM": "no-reply@example.com",
	}
	maps.Copy(env, changes)
	return env
}

// problemsOf returns the mistakes of an error of Load.
func problemsOf(t *testing.T, err error) Problems {
	t.Helper()
	if err == nil {
		return nil
	}
	problems, ok := err.(Problems) //nolint:errorlint // Load promises this very type
	if !ok {
		t.Fatalf("Load returned a %T: %v", err, err)
	}
	return problems
}

func names(problems Problems) []string {
	var names []string
	for _, p := range problems {
		names = append(names, p.Name)
	}
	return names
}

func TestDefaultsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	c, err := Load(Source{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"addr": c.Addr(), "env": c.Environment, "database": c.Database, "path": c.SQLitePath, "tls": c.TLS(),
		"access": c.AccessTokenTTL, "refresh": c.RefreshTokenTTL, "age": c.SessionMaxAge, "grace": c.RefreshGrace,
		"verification": c.VerificationTokenTTL, "reset": c.ResetTokenTTL, "cost": c.BcryptCost, "workers": c.HashWorkers,
		"failures": c.LoginMaxFailures, "lockout": c.LoginLockout, "rate": c.RateLimit, "driver": c.MailDriver, "mails": c.MailLimit,
		"unverified": c.UnverifiedPurge, "deleted": c.DeletedPurge, "conceal": c.RegistrationConceal, "docs": c.DocsEnabled,
		"level": c.LogLevel.String(), "format": c.LogFormat, "shutdown": c.ShutdownTimeout, "migrate": c.Migrate,
		"frontend": c.FrontendURL.String(), "origins": c.AllowedOrigins, "key": c.SecretKey.IsZero(),
	}
	want := map[string]any{
		"addr": "127.0.0.1:8000", "env": Development, "database": SQLite, "path": filepath.Join("data", "a64core.db"), "tls": false,
		"access": time.Hour, "refresh": 7 * day, "age": 30 * day, "grace": 10 * time.Second,
		"verification": day, "reset": time.Hour, "cost": 12, "workers": 0,
		"failures": 5, "lockout": 15 * time.Minute, "rate": RateLimit{10, 100, 200, 500, 1000}, "driver": MailLog, "mails": 5,
		"unverified": 30 * day, "deleted": 90 * day, "conceal": false, "docs": true,
		"level": "INFO", "format": LogText, "shutdown": 15 * time.Second, "migrate": true,
		"frontend": "http://localhost:3000", "origins": []string{"http://localhost:3000"}, "key": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProductionTurnsDocumentationOffUnlessAsked(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]bool{"": false, "true": true} {
		c, err := Load(from(production(map[string]string{"DOCS_ENABLED": asked})))
		if err != nil || c.DocsEnabled != want {
			t.Errorf("DOCS_ENABLED=%q: %v, %v", asked, c.DocsEnabled, err)
		}
	}
}

func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("PORT=1\nHOST=file\nAPP_NAME=file\nMAIL_LIMIT=7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	src := from(map[string]string{"PORT": "2", "HOST": "environment", "MAIL_LIMIT": ""})
	src.EnvFile, src.Flags = file, map[string]string{"PORT": "3"}
	c, err := Load(src)
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 3 || c.Host != "environment" || c.AppName != "file" || c.MailLimit != 5 {
		t.Errorf("got port %d, host %s, name %s, limit %d (empty in the environment)", c.Port, c.Host, c.AppName, c.MailLimit)
	}
	sources := make(map[string]string)
	for _, v := range c.Redacted() {
		sources[v.Name] = v.Source
	}
	for name, want := range map[string]string{"PORT": "--port", "HOST": "environment", "APP_NAME": file, "MAIL_LIMIT": "default"} {
		if sources[name] != want {
			t.Errorf("%s comes from %q, want %q", name, sources[name], want)
		}
	}
}

func TestEnvFileThatSomebodyNamedMustExist(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "settings.env")
	if _, err := Load(Source{EnvFile: missing}); !slices.Equal(names(problemsOf(t, err)), []string{missing}) {
		t.Errorf("named and missing: %v", err)
	}
	if _, err := Load(Source{EnvFile: DefaultEnvFile}); err != nil {
		t.Errorf("default and missing: %v", err)
	}
}

func TestEveryMistakeIsReportedAtOnceAndInOrder(t *testing.T) {
	t.Parallel()
	_, err := Load(from(map[string]string{
		"PORT": "eighty", "ENVIRONMENT": "prod", "SECRET_KEY": "short", "ACCESS_TOKEN_TTL": "-1h", "TLS_CERT_FILE": "cert.pem", "REDIS_URL": "localhost:6379",
	}))
	want := []string{"ENVIRONMENT", "PORT", "REDIS_URL", "SECRET_KEY", "ACCESS_TOKEN_TTL", "TLS_KEY_FILE"}
	if diff := cmp.Diff(want, names(problemsOf(t, err))); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
}

// Every setting gets a canary that is no valid value of anything; secret ones must not show it.
func TestNoMistakeRepeatsASecret(t *testing.T) {
	t.Parallel()
	const canary = "://CANARY\x7f%zz"
	env := make(map[string]string)
	for _, s := range table(&Config{}) {
		env[s.Name] = "visible"
		if s.IsSecret() {
			env[s.Name] = canary
		}
	}
	c, err := Load(from(env))
	if err == nil {
		t.Fatal("no mistake found")
	}
	secrets := 0
	for _, p := range problemsOf(t, err) {
		if strings.Contains(p.Message, "CANARY") {
			t.Errorf("mistake shows the value: %s", p)
		}
		if env[p.Name] == canary {
			secrets++
		}
	}
	if secrets != 11 {
		t.Errorf("%d secret settings reported, want 11", secrets)
	}
	for _, v := range c.Redacted() {
		if strings.Contains(v.Value, "CANARY") {
			t.Errorf("printed: %v", v)
		}
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	t.Parallel()
	env := production(map[string]string{"SECRET_KEY_PREVIOUS": otherKey, "SMTP_URL": "smtps://user:CANARY@mail.example.com"})
	c, err := Load(from(env))
	if err != nil {
		t.Fatal(err)
	}
	if !c.SecretKeyPrevious[0].IsZero() && c.SecretKeyPrevious[0].Reveal() != otherKey {
		t.Error("the former key is not what was given")
	}
	shown := make(map[string]string)
	for _, v := range c.Redacted() {
		shown[v.Name] = v.Value
		for _, secret := range []string{strongKey, otherKey, "CANARY"} {
			if strings.Contains(v.Value+v.Default, secret) {
				t.Errorf("%s is shown", v.Name)
			}
		}
	}
	if shown["SECRET_KEY"] != "[set]" || shown["SMTP_URL"] != "[set]" || shown["FRONTEND_URL"] != "https://app.example.com" {
		t.Errorf("shown: %v", shown)
	}
}

func TestListsAreRead(t *testing.T) {
	t.Parallel()
	c, err := Load(from(map[string]string{
		"ALLOWED_ORIGINS": "https://APP.example.com:443, http://localhost:3000 ,", "TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7, ::1, ::ffff:198.51.100.0/120",
		"FRONTEND_URL": "https://Example.com:443/app/",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://app.example.com", "http://localhost:3000"}, c.AllowedOrigins); diff != "" {
		t.Error(diff)
	}
	want := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"),
		netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("198.51.100.0/24"),
	}
	if !slices.Equal(c.TrustedProxies, want) {
		t.Errorf("proxies: %v", c.TrustedProxies)
	}
	if got := c.FrontendURL.String(); got != "https://example.com/app" {
		t.Errorf("front end: %s", got)
	}
}

func TestFrontEndMayCallTheAPIUnlessOriginsAreNamed(t *testing.T) {
	t.Parallel()
	c, err := Load(from(map[string]string{"FRONTEND_URL": "https://example.com/app"}))
	if err != nil || !slices.Equal(c.AllowedOrigins, []string{"https://example.com"}) {
		t.Errorf("got %v, %v", c.AllowedOrigins, err)
	}
}
