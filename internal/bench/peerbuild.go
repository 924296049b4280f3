package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// built returns the path of a peer's program, which is kept in the user's cache from run to run. If it is not there, build puts
// it there; it works in a folder that is in no module.
func built(name, binary string, build func(dir, binary string) error) (path string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for programs: %w", err)
	}
	dir := filepath.Join(cache, "a64core-bench", strings.ReplaceAll(name, " ", "-"))
	path = filepath.Join(dir, binary)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	progress("building " + name + ", which takes some minutes")
	if err := build(dir, path); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return path, nil
}

// goInstall builds a program of a Go module that replaces no other.
func goInstall(ctx context.Context, dir, program string) error {
	cmd := goCommand(ctx, dir, "install", program)
	cmd.Env = append(cmd.Env, "CGO_ENABLED=0", "GOBIN="+dir)
	return output(cmd)
}

// goCommand returns a command of Go's for a module that is none of ours: flags of the environment are for ours.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	return cmd
}

// goBuild builds the program in the root of a Go module in the module's own terms, which "go install" refuses to if the module
// replaces others.
func goBuild(ctx context.Context, dir, module string, args ...string) (err error) {
	var answer, complaint bytes.Buffer
	download := goCommand(ctx, dir, "mod", "download", "-json", module)
	download.Stdout, download.Stderr = &answer, &complaint
	if err := download.Run(); err != nil {
		return fmt.Errorf("fetch: %w\n%s%s", err, &complaint, &answer)
	}
	var fetched struct{ Dir string }
	if err := json.Unmarshal(answer.Bytes(), &fetched); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	sources, err := os.MkdirTemp(dir, "src-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(sources)) }()
	if err := os.CopyFS(sources, os.DirFS(fetched.Dir)); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return output(goCommand(ctx, sources, append([]string{"build"}, args...)...))
}

// output runs a command, whose error then holds what it said.
func output(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// asker asks a peer for what is not measured.
type asker struct{ name, addr string }

// ask makes one request on a connection of its own and decodes the answer, unless into is nil.
func (a asker) ask(ctx context.Context, want int, r request, into any) (err error) {
	c, err := dial(ctx, a.addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	status, answer, err := c.do(r)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", a.name, err)
	case status != want:
		return fmt.Errorf("%s: status %d instead of %d: %s", a.name, status, want, answer)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s: decode: %w", a.name, err)
	}
	return nil
}
