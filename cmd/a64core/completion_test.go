package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub/internal/store/testdb"
)

func TestCompletionKnowsTheGrammar(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		words string // the last may be empty
		want  string
	}{
		{"us", "users"},
		{"users cr", "create"},
		{"users create --first", "--first-name"},
		{"users list --role ad", "admin"},
		{"users list --role = mod", "moderator"}, // as bash takes --role=mod apart
		{"users create --email us", ""},          // a value, and no command
		{"users list --role admin --inact", "--inactive"},
		{"migrate --", "--help --env-file --json"},
		{"migrate --mongodb", "--mongodb-url --mongodb-db-name"},
		{"completion ", "bash zsh fish"},
		{"completion bash ", ""},
		{"--env-file ", ""},
		{"launch ", ""},
	} {
		t.Run(tt.words, func(t *testing.T) {
			t.Parallel()
			got := try(t, nil, append([]string{completionArg}, strings.Split(tt.words, " ")...)...)
			var words []string
			for line := range strings.Lines(got.stdout) {
				word, _, _ := strings.Cut(line, "\t")
				words = append(words, word)
			}
			if diff := cmp.Diff(tt.want, strings.Join(words, " ")); diff != "" || got.code != exitOK || got.stderr != "" {
				t.Errorf("%+v: %s", got, diff)
			}
		})
	}
}

func TestCompletionScriptsAreWritten(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got := try(t, nil, "completion", shell); got.code != exitOK || !strings.Contains(got.stdout, completionArg) {
			t.Errorf("%s: %+v", shell, got)
		}
	}
	if got := try(t, nil, "completion", "cmd"); got.code != exitUsage {
		t.Errorf("a shell that nobody has: %+v", got)
	}
}

// shell returns a shell, without a configuration, that finds the program under test.
func shell(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testdb.Program(t, name), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"PATH=" + filepath.Dir(builtProgram) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TERM=dumb", "LC_ALL=C.UTF-8",
	}
	return cmd
}

func TestFishCompletes(t *testing.T) {
	t.Parallel()
	cmd := shell(t, "fish", "--no-config", "-c", `a64core completion fish | source; complete --do-complete "a64core us"; complete --do-complete "a64core completion "`)
	out, err := cmd.Output()
	if err != nil || !strings.HasPrefix(string(out), "users\tManage accounts") || !strings.Contains(string(out), "\nzsh\n") {
		t.Errorf("%v, %q", err, out)
	}
}
