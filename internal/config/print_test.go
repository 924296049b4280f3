package config

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const exampleFile = "../../.env.example"

// To write the file anew: go run ./cmd/a64core config env-example > .env.example
func TestEnvExampleIsUpToDate(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(EnvExample(), string(file)); diff != "" {
		t.Errorf("-table +file:\n%s", diff)
	}
}

func TestEnvExampleUncommentedGivesTheDefaults(t *testing.T) {
	t.Parallel()
	text := regexp.MustCompile(`(?m)^# ([A-Z_]+=)`).ReplaceAllString(EnvExample(), "$1")
	values, problems := parseEnvFile("example", text)
	if problems != nil {
		t.Fatal(problems)
	}
	if len(values) != len(Settings()) {
		t.Errorf("%d names for %d settings", len(values), len(Settings()))
	}
	for _, s := range Settings() {
		if values[s.Name] != s.Default {
			t.Errorf("%s is %q, want %q", s.Name, values[s.Name], s.Default)
		}
	}
}

func TestTableIsWellFormed(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[A-Z][A-Z0-9_]*[A-Z0-9]$`)
	seen := make(map[string]bool)
	for _, s := range table(&Config{}) {
		if !form.MatchString(s.Name) || seen[s.Name] || s.Group == "" || !strings.HasSuffix(s.Help, ".") {
			t.Errorf("%+v", s)
		}
		seen[s.Name] = true
		if s.Default != "" {
			if err := s.kind.set(s.Default); err != nil {
				t.Errorf("default of %s: %v", s.Name, err)
			}
		}
	}
	if got := (Setting{Name: "RATE_LIMIT_GUEST"}).Flag(); got != "rate-limit-guest" {
		t.Errorf("flag %s", got)
	}
}
