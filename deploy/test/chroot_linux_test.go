package test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestHubRunsInAnEmptyRoot runs the hub as its image does: in a root folder where there is nothing but the program, its data
// and /tmp, as a user without a name who can write to those two alone.
func TestHubRunsInAnEmptyRoot(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root may change the root folder")
	}
	const nobody = 65532
	dir, err := os.MkdirTemp("", "a64core-root-") // t.TempDir's parents are for root only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, folder := range []string{"data", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, folder), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	copyProgram(t, filepath.Join(dir, "a64core"))
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	within := func(s settings, args ...string) *exec.Cmd {
		cmd := program(t, settings{"HOST": "127.0.0.1", "DATA_DIR": "/data", "LOG_FORMAT": "json"}.with(s), args...)
		cmd.Path, cmd.Args[0], cmd.Dir = "/a64core", "/a64core", "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return cmd
	}
	h := serve(t, within(settings{"PORT": "0"}, "serve"))
	run(t, within(settings{"PORT": h.port(t)}, "healthcheck"))
	h.signUp(t)
	h.stop(t)
	if _, err := os.Stat(filepath.Join(dir, "data", "a64core.db")); err != nil {
		t.Error(err)
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	from, err := os.Open(builtProgram)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o555)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, from); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
