package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/testdb"
)

func TestManualHasEveryCommandAndSetting(t *testing.T) {
	t.Parallel()
	page := try(t, nil, "man")
	if page.code != exitOK || page.stderr != "" {
		t.Fatalf("%+v", page)
	}
	plain := strings.ReplaceAll(page.stdout, `\-`, "-")
	for _, leaf := range leaves(t) {
		if !strings.Contains(plain, "\n.SS \"a64core "+leaf.Path()+"\"\n") {
			t.Errorf("no %s", leaf.Path())
		}
	}
	for _, s := range config.Settings() {
		if !strings.Contains(plain, "\n.TP\n"+s.Name) {
			t.Errorf("no %s", s.Name)
		}
	}
}

func TestManualIsWellFormed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a64core.1")
	if err := os.WriteFile(file, []byte(try(t, nil, "man").stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, formatter := range [][]string{
		{"groff", "-man", "-ww", "-b", "-Tutf8", "-z", file},
		{"mandoc", "-Tlint", "-Wwarning", file},
	} {
		t.Run(formatter[0], func(t *testing.T) {
			t.Parallel()
			out, _ := exec.Command(testdb.Program(t, formatter[0]), formatter[1:]...).CombinedOutput() // what it writes says it
			for line := range strings.Lines(string(out)) {
				if !strings.Contains(line, "missing date") { // a date would have to come from the build, and builds are reproducible
					t.Error(line)
				}
			}
		})
	}
}

func TestManualTakesTextForText(t *testing.T) {
	t.Parallel()
	var m manPage
	m.text(".TH x\n'br\n\\fB a-b")
	m.macro("SS", `a "b"`)
	want := "\\&.TH x\n\\&'br\n\\efB a\\-b\n.SS \"a \\(dqb\\(dq\"\n"
	if m.String() != want {
		t.Errorf("%q, want %q", m.String(), want)
	}
}
