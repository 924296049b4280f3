package test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
)

// buildAsDockerfile runs the Dockerfile's line that compiles the program, for this machine, on the files that Docker would be
// sent, and returns the program's path.
func buildAsDockerfile(dir string) (string, error) {
	line, err := compileLine()
	if err != nil {
		return "", err
	}
	sources := filepath.Join(dir, "src")
	if err := copyContext(sources); err != nil {
		return "", fmt.Errorf("copy the build's context: %w", err)
	}
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "/out", dir))
	cmd.Dir = sources
	cmd.Env = append(os.Environ(), "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "VERSION=v9.8.7", "REVISION=0123abc")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build as the Dockerfile says: %w\n%s", err, out)
	}
	return filepath.Join(dir, "a64core"), nil
}

// copyContext copies the files that .dockerignore lets into a build.
func copyContext(to string) error {
	ignored, err := readDockerignore()
	if err != nil {
		return err
	}
	from := os.DirFS(root)
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "." {
			return os.MkdirAll(to, 0o755)
		}
		leave, err := ignored.MatchesOrParentMatches(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && leave:
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case leave:
			return nil
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	})
}

func readDockerignore() (*patternmatcher.PatternMatcher, error) {
	file, err := os.Open(filepath.Join(root, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

func compileLine() (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		return "", err
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	stages, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return "", err
	}
	for _, stage := range stages {
		for _, command := range stage.Commands {
			if run, ok := command.(*instructions.RunCommand); ok && strings.Contains(strings.Join(run.CmdLine, " "), "go build") {
				return strings.Join(run.CmdLine, " "), nil
			}
		}
	}
	return "", errors.New("the Dockerfile compiles nothing")
}

// offline answers what BuildKit would ask a registry about the images that a Dockerfile builds upon.
type offline struct{}

// ResolveImageConfig returns an image without any configuration.
func (offline) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte(`{"architecture":"amd64","os":"linux"}`), nil
}

// lint returns what BuildKit finds wrong with a Dockerfile.
func lint(t *testing.T, text string) []string {
	t.Helper()
	results, err := dockerfile2llb.DockerfileLint(t.Context(), []byte(text), dockerfile2llb.ConvertOpt{
		MetaResolver: offline{}, SourceMap: &llb.SourceMap{Definition: &llb.Definition{}, Filename: "Dockerfile", Data: []byte(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	if results.Error != nil {
		found = append(found, results.Error.Message)
	}
	for _, warning := range results.Warnings {
		found = append(found, warning.RuleName+": "+warning.Detail)
	}
	return found
}

func TestDockerfileIsClean(t *testing.T) {
	t.Parallel()
	for _, found := range lint(t, readFile(t, "Dockerfile")) {
		t.Error(found)
	}
	bad := lint(t, "FROM scratch AS Build\nENV SECRET_KEY=x\nCMD serve\n")
	if len(bad) < 3 {
		t.Errorf("a bad Dockerfile: only %v", bad)
	}
}

func TestImagesAreNamedWithAVersion(t *testing.T) {
	t.Parallel()
	for _, line := range strings.Split(readFile(t, "Dockerfile"), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "FROM" {
			continue
		}
		image := words[slices.IndexFunc(words[1:], func(w string) bool { return !strings.HasPrefix(w, "--") })+1]
		if image != "scratch" && (!strings.Contains(image, ":") || strings.HasSuffix(image, ":latest")) {
			t.Errorf("%s has no version", image)
		}
	}
}

// TestImageRunsTheHubAsNobody makes the image's configuration, as BuildKit does.
func TestImageRunsTheHubAsNobody(t *testing.T) {
	t.Parallel()
	result, err := dockerfile2llb.Dockerfile2LLB(t.Context(), []byte(readFile(t, "Dockerfile")), dockerfile2llb.ConvertOpt{MetaResolver: offline{}})
	if err != nil {
		t.Fatal(err)
	}
	image := result.Image.Config
	if image.User != "65532:65532" {
		t.Errorf("it runs as %q", image.User)
	}
	if !slices.Equal(image.Entrypoint, []string{"/a64core"}) || !slices.Equal(image.Cmd, []string{"serve"}) {
		t.Errorf("it runs %v %v", image.Entrypoint, image.Cmd)
	}
	if image.Healthcheck == nil || !slices.Equal(image.Healthcheck.Test, []string{"CMD", "/a64core", "healthcheck"}) {
		t.Errorf("its health is checked by %v", image.Healthcheck)
	}
	if _, ok := image.ExposedPorts["8000/tcp"]; !ok {
		t.Errorf("it exposes %v", image.ExposedPorts)
	}
	for _, label := range []string{"title", "description", "source", "licenses", "version", "revision"} {
		if _, ok := image.Labels["org.opencontainers.image."+label]; !ok {
			t.Errorf("it has no label %s", label)
		}
	}
	s := make(settings)
	for _, variable := range image.Env {
		name, value, _ := strings.Cut(variable, "=")
		if name != "PATH" { // BuildKit's own default
			s[name] = value
		}
	}
	checkSettings(t, "the image", s)
	if got := inForce(t, s); got["PORT"] != "8000" || got["HOST"] != "0.0.0.0" {
		t.Errorf("it listens on %s:%s", got["HOST"], got["PORT"])
	}
}

func TestProgramOfTheImageKnowsItsVersion(t *testing.T) {
	t.Parallel()
	if got := run(t, program(t, nil, "version")); !strings.HasPrefix(got, "a64core v9.8.7, commit 0123abc, go") {
		t.Errorf("it says %q", got)
	}
}

func TestProgramOfTheImageNeedsNoLibraries(t *testing.T) {
	t.Parallel()
	file, err := elf.Open(builtProgram)
	if err != nil {
		t.Skipf("this machine's programs are of another kind: %v", err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) || len(libraries) > 0 {
		t.Errorf("it needs %v, %v", libraries, err)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("it needs a loader")
		}
	}
}

func TestBuildContextHoldsTheSourcesOnly(t *testing.T) {
	t.Parallel()
	matcher, err := readDockerignore()
	if err != nil {
		t.Fatal(err)
	}
	for name, ignored := range map[string]bool{
		"go.mod": false, "go.sum": false, "user.go": false, "cmd/a64core/main.go": false,
		".env": true, ".git/config": true, "hub.env": true, "data/secret_key": true, "deploy/tls/tls.key": true, "compose.yaml": true,
		"internal/api/api_test.go": true, "internal/api/testdata/golden": true, "bin/a64core": true, "README.md": true,
	} {
		if got, err := matcher.MatchesOrParentMatches(name); err != nil || got != ignored {
			t.Errorf("%s is left out: %v, %v", name, got, err)
		}
	}
}
