package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/a64core/hub"
)

// leaves returns every command of the grammar.
func leaves(t *testing.T) []*kong.Node {
	t.Helper()
	parser, err := newParser(new(commands), settingFlags{new(struct{})})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Leaves(true)
}

func TestEveryLeafIsACommand(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(t) {
		if _, ok := leaf.Target.Addr().Interface().(command); !ok {
			t.Errorf("%s cannot be run", leaf.Path())
		}
	}
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(t) {
		path := strings.Fields(leaf.Path())
		got := try(t, nil, append(path, "--help")...)
		if got.code != exitOK || got.stderr != "" {
			t.Errorf("%s --help: %+v", leaf.Path(), got)
		}
		_, examples, found := strings.Cut(got.stdout, "Examples:\n\n")
		examples, _, _ = strings.Cut(examples, "\n\n")
		if !found || !strings.Contains(examples, "a64core "+strings.Join(path, " ")) && leaf.Name != "healthcheck" {
			t.Errorf("%s --help shows no example of it:\n%s", leaf.Path(), got.stdout)
		}
	}
}

func TestHelpIsWrittenInSentences(t *testing.T) {
	t.Parallel()
	texts := make(map[string]string) // a flag's help, by its name
	for _, leaf := range leaves(t) {
		if !isSentence(leaf.Help) {
			t.Errorf("%s: %q", leaf.Path(), leaf.Help)
		}
		for _, argument := range leaf.Positional {
			if !isSentence(argument.Help) {
				t.Errorf("%s <%s>: %q", leaf.Path(), argument.Name, argument.Help)
			}
		}
		for _, flag := range leaf.Flags {
			if !strings.HasSuffix(flag.Help, ".") {
				t.Errorf("%s --%s: %q", leaf.Path(), flag.Name, flag.Help)
			}
			if leaf.Name == "openapi" || flag.Name != "json" && flag.Name != "password-stdin" && flag.Name != "limit" {
				continue
			}
			if known, ok := texts[flag.Name]; ok && known != flag.Help {
				t.Errorf("%s --%s: %q, elsewhere %q", leaf.Path(), flag.Name, flag.Help, known)
			}
			texts[flag.Name] = flag.Help
		}
	}
}

func isSentence(text string) bool {
	return strings.HasSuffix(text, ".") && (strings.ToUpper(text[:1]) == text[:1] || strings.HasPrefix(text, hub.RoleSuperAdmin.String()))
}

func TestEveryCommandAScriptReadsAnswersInJSON(t *testing.T) {
	t.Parallel()
	for _, leaf := range leaves(t) {
		has := false
		for _, flag := range leaf.Flags {
			has = has || flag.Name == "json"
		}
		isText := slices.Contains([]string{"serve", "env-example", "completion", "man"}, leaf.Name)
		if has == isText {
			t.Errorf("%s: has --json: %v", leaf.Path(), has)
		}
	}
}

func TestOpenAPIIsWrittenAsYAMLAndJSON(t *testing.T) {
	t.Parallel()
	if got := try(t, nil, "openapi"); got.code != exitOK || !strings.Contains(got.stdout, "openapi: 3.1") || !strings.Contains(got.stdout, "/api/v1/auth/login:") {
		t.Errorf("got %d: %.200s%s", got.code, got.stdout, got.stderr)
	}
	if got := try(t, nil, "openapi", "--json"); got.code != exitOK || !strings.HasPrefix(got.stdout, "{") || !strings.Contains(got.stdout, `"/api/v1/auth/login"`) {
		t.Errorf("got %d: %.200s%s", got.code, got.stdout, got.stderr)
	}
	if got := try(t, nil, "openapi", "--port=x"); got.code != exitFailure || !strings.Contains(got.stderr, "PORT: must be") {
		t.Errorf("got %+v", got)
	}
}
