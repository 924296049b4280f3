package test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// unit returns the lines of the unit for systemd, by name, as instance 8001 has them.
func unit(t *testing.T) map[string]string {
	t.Helper()
	values := make(map[string]string)
	text := strings.ReplaceAll(readFile(t, "deploy/systemd/a64core@.service"), "%i", "8001")
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(name, "#") {
			values[name] = value
		}
	}
	return values
}

// verify returns what systemd finds wrong with the units.
func verify(t *testing.T, spoil func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"a64core@.service", "a64core-backup.service", "a64core-backup.timer"} {
		text := strings.ReplaceAll(readFile(t, "deploy/systemd/"+name), "/usr/local/bin/a64core", builtProgram)
		file := filepath.Join(dir, strings.Replace(name, "@", "@8001", 1))
		if err := os.WriteFile(file, []byte(spoil(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", append([]string{"verify"}, files...)...).CombinedOutput()
	if err != nil {
		return string(out) + err.Error()
	}
	return string(out)
}

func TestSystemdUnderstandsTheUnits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if slices.Contains(strings.Split(os.Getenv("A64_TEST_REQUIRE"), ","), "systemd") {
			t.Fatal("systemd is required, and there is no systemd-analyze")
		}
		t.Skip("this machine has no systemd")
	}
	if found := verify(t, func(text string) string { return text }); found != "" {
		t.Error(found)
	}
	if verify(t, func(text string) string { return strings.Replace(text, "ProtectHome=yes", "ProtectHouse=yes", 1) }) == "" {
		t.Error("units with a mistake: nothing is found")
	}
}

func TestSystemdUnitIsSetRight(t *testing.T) {
	t.Parallel()
	u := unit(t)
	s := make(settings)
	for variable := range strings.FieldsSeq(u["Environment"]) {
		name, value, _ := strings.Cut(variable, "=")
		s[name] = value
	}
	checkSettings(t, "the unit", s)
	if s["PORT"] != "8001" || s["METRICS_ADDR"] != "127.0.0.1:18001" || s["DATA_DIR"] != "/var/lib/"+u["StateDirectory"] {
		t.Errorf("it runs with %v and keeps %s", s, u["StateDirectory"])
	}
	grace, err := time.ParseDuration(u["TimeoutStopSec"])
	if err != nil {
		t.Fatal(err)
	}
	const delay, mail = 5 * time.Second, time.Minute
	if least := delay + inForce(t, nil).duration(t, "SHUTDOWN_TIMEOUT") + mail; grace < least {
		t.Errorf("it is killed after %v, and may take %v to stop", grace, least)
	}
}
