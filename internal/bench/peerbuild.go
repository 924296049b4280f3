package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peersDir returns the folder in the user's cache where a peer's program is kept from run to run.
func peersDir(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for programs: %w", err)
	}
	dir := filepath.Join(cache, "a64core-bench", strings.ReplaceAll(name, " ", "-"))
	return dir, os.MkdirAll(dir, 0o755)
}

// installPeer builds a program of a Go module, as "go install" does, unless that was done before.
func installPeer(ctx context.Context, name, program, binary string) (string, error) {
	dir, err := peersDir(name)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, binary)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	progress("building " + name + ", which takes a minute or two")
	cmd := exec.CommandContext(ctx, "go", "install", program)
	cmd.Dir = dir // in no module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}

// buildPeer builds the program in the root of a Go module in the module's own terms, which "go install" refuses to if the
// module replaces others, unless that was done before.
func buildPeer(ctx context.Context, name, module, binary string, args ...string) (path string, err error) {
	dir, err := peersDir(name)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, binary)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	progress("building " + name + ", which takes some minutes")
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	download.Dir = dir // in no module
	out, err := download.Output()
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w\n%s", name, err, out)
	}
	var fetched struct{ Dir string }
	if err := json.Unmarshal(out, &fetched); err != nil {
		return "", fmt.Errorf("fetch %s: %w", name, err)
	}
	sources, err := os.MkdirTemp(dir, "src-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(sources)) }()
	if err := os.CopyFS(sources, os.DirFS(fetched.Dir)); err != nil {
		return "", fmt.Errorf("copy %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", binary}, args...)...)
	cmd.Dir = sources
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
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
