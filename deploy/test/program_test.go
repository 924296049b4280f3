package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// root is the folder of the repository.
const root = "../.."

// builtProgram is the path of the program, built once for all tests as the Dockerfile says.
var builtProgram string

func TestMain(m *testing.M) {
	os.Exit(buildAndTest(m))
}

func buildAndTest(m *testing.M) int {
	dir, err := os.MkdirTemp("", "a64core-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if builtProgram, err = buildAsDockerfile(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// settings are an environment: values by name.
type settings map[string]string

// with returns the settings with others that replace them.
func (s settings) with(others settings) settings {
	all := maps.Clone(s)
	maps.Copy(all, others)
	return all
}

func (s settings) environ() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		list = append(list, name+"="+s[name])
	}
	return list
}

// program returns a command of the program, which sees the settings and nothing else of the machine.
func program(t *testing.T, s settings, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), builtProgram, args...)
	cmd.Dir, cmd.Env = t.TempDir(), s.environ()
	cmd.WaitDelay = time.Minute
	return cmd
}

// run runs a command to its end, which must be a good one, and returns its output.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, &stdout, &stderr)
	}
	return stdout.String()
}

// inForce returns every setting that the program knows, with its value under the given ones.
func inForce(t *testing.T, s settings) settings {
	t.Helper()
	var values []struct{ Name, Value string }
	if err := json.Unmarshal([]byte(run(t, program(t, s, "config", "print", "--json"))), &values); err != nil {
		t.Fatal(err)
	}
	all := make(settings)
	for _, v := range values {
		all[v.Name] = v.Value
	}
	return all
}

// duration returns the value of a setting that is one.
func (s settings) duration(t *testing.T, name string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s[name])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// checkSettings fails the test if the program does not know one of the settings, or finds a mistake among them.
func checkSettings(t *testing.T, what string, s settings) {
	t.Helper()
	known := inForce(t, nil)
	for name := range s {
		if _, ok := known[name]; !ok {
			t.Errorf("%s: %s is no setting", what, name)
		}
	}
	var stderr bytes.Buffer
	cmd := program(t, s, "config", "check")
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: config check: %v\n%s", what, err, &stderr)
	}
}

// readFile returns the text of a file of the repository.
func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
