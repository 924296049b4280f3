package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// settings returns the installation's environment as a process takes it.
func (i installation) settings() (all []string) {
	for name, value := range i.env {
		all = append(all, name+"="+value)
	}
	return all
}

// process prepares a command of the program with the installation's settings, as a process of its own.
func (i installation) process(ctx context.Context, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	cmd, stderr = exec.CommandContext(ctx, builtProgram, args...), new(bytes.Buffer)
	cmd.Dir, cmd.Env, cmd.Stderr = i.dir, environment(i.dir, i.settings()...), stderr
	return cmd, stderr
}

// mustRun runs a command as a process of its own.
func (i installation) mustRun(t *testing.T, args ...string) {
	t.Helper()
	if cmd, stderr := i.process(t.Context(), args...); cmd.Run() != nil {
		t.Fatalf("%v: %s", args, stderr)
	}
}

// TestRestoreDrill is the drill of docs/operations.md: a backup is made under load, restored into another engine, and a hub is
// started there, where everybody signs in who could when the backup began.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	s := installServers(t)
	for from, to := range map[string]string{"sqlite": "mysql", "mongodb": "sqlite"} {
		t.Run(from+" to "+to, func(t *testing.T) {
			t.Parallel()
			drill(t, s.movedTo(t.TempDir(), from), s.movedTo(t.TempDir(), to))
		})
	}
}

// movedTo returns the installation with another folder and database.
func (i installation) movedTo(dir, database string) installation {
	i = i.with("DATABASE", database, "DATA_DIR", dir)
	i.dir = dir
	return i
}

func drill(t *testing.T, source, target installation) {
	t.Helper()
	source.mustRun(t, "migrate")
	hub := serve(t, source.dir, source.settings()...)
	create, _ := source.process(t.Context(), append(creation("root@example.com", "super_admin"), "--verified")...)
	create.Stdin = strings.NewReader(testPassword)
	if out, err := create.Output(); err != nil {
		t.Fatalf("create root: %v %s", err, out)
	}
	root := &account{email: "root@example.com"}
	if !root.login(hub) {
		t.Fatal("root cannot log in")
	}
	c := gather(t, hub, root, "drill", 3)
	waitFor(t, func() string {
		if n := len(c.lived()); n < 3 {
			return fmt.Sprintf("only %d accounts have lived", n)
		}
		return ""
	})
	before := c.lived()
	archive := filepath.Join(source.dir, "drill.a64")
	for range 3 { // the load goes on meanwhile
		_ = os.Remove(archive)
		source.mustRun(t, "backup", archive)
	}
	_, longest := c.p95("PATCH")
	c.leave()
	c.wantNoOddAnswer()
	t.Logf("%d accounts lived before the backup; the longest PATCH during it took %v", len(before), longest)
	if longest > 10*time.Second {
		t.Errorf("a write took %v during a backup", longest)
	}
	source.mustRun(t, "backup", "verify", archive)

	target.mustRun(t, "restore", archive)
	target.mustRun(t, "store", "verify")
	restored := serve(t, target.dir, target.settings()...)
	for _, m := range before {
		again := &account{email: m.email}
		if got := again.login(restored); got == m.off {
			t.Errorf("%s logs in: %v, although it was deactivated: %v", m.email, got, m.off)
		}
		if got := m.status(restored, "/api/v1/auth/me"); got != 401 {
			t.Errorf("%s: a token of before is answered with %d", m.email, got)
		}
		if !m.off && again.firstNameAt(t, restored) != m.firstName {
			t.Errorf("%s is not called %q", m.email, m.firstName)
		}
	}
	restored.register(t, "new@example.com")
}

// lived returns the accounts whose lives are over.
func (c *crowd) lived() []*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*member(nil), c.members...)
}

// firstNameAt asks the hub for the account's first name.
func (a *account) firstNameAt(t *testing.T, s *server) string {
	t.Helper()
	var me struct{ FirstName string }
	if status, answer := s.try("GET", "/api/v1/auth/me", a.access, nil); status != 200 {
		t.Errorf("GET /auth/me: %d", status)
	} else if err := json.Unmarshal(answer, &me); err != nil {
		t.Error(err)
	}
	return me.FirstName
}

// TestAKilledRestoreLeavesTheFileAsItWas kills a restore at several moments: the file is as it was, or the new one.
func TestAKilledRestoreLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "new@example.com", "user")
	fillFile(t, i, 2000)
	archive := filepath.Join(i.dir, "backup.a64")
	i.do(t, nil, "backup", archive)
	other := install(t)
	old := other.create(t, "old@example.com", "user")
	killed := 0
	for _, after := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after) // its end kills the process
		cmd, _ := other.process(ctx, "restore", "--force", archive)
		if cmd.Run() != nil {
			killed++
			other.do(t, nil, "store", "verify")
			if got := other.try(t, "users", "show", old.UserID); got.code != exitOK && other.try(t, "users", "show", "new@example.com").code != exitOK {
				t.Errorf("killed after %v: neither the old nor the new database is there: %+v", after, got)
			}
		}
		cancel()
	}
	t.Logf("%d of 3 restores were killed", killed)
	other.mustRun(t, "restore", "--force", archive)
	other.do(t, nil, "users", "show", "new@example.com")
	if left, err := filepath.Glob(filepath.Join(other.dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestAKilledRestoreIntoAServerIsRunAgain kills one amid the users: the database holds a part, which is refused until it is
// restored with --force.
func TestAKilledRestoreIntoAServerIsRunAgain(t *testing.T) {
	t.Parallel()
	s := installServers(t)
	file, into := s.with("DATABASE", "sqlite"), s.with("DATABASE", "mysql")
	file.create(t, "root@example.com", "super_admin")
	fillFile(t, file, 1200)
	archive := filepath.Join(file.dir, "backup.a64")
	file.do(t, nil, "backup", archive)
	into.want(t, exitOK, "migrate")
	cmd, _ := into.process(t.Context(), "restore", archive)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; n == 0; <-tick.C {
		if err := s.mysql.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT 1) AS some").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Process.Kill() // it may be through
	_ = cmd.Wait()
	into.want(t, exitFailure, "restore "+archive, "mysql: the database is not empty: use --force")
	into.want(t, exitOK, "restore --force "+archive, "Restored into mysql")
	into.want(t, exitOK, "users list --limit 1", "1201")
}

func TestABackupOnAFullDiskLeavesNothing(t *testing.T) {
	i := install(t)
	fillFile(t, i, 3000)
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("no small disk to fill, which takes the right to mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", disk).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	got := i.try(t, "backup", filepath.Join(disk, "backup.a64"))
	if got.code != exitFailure || !strings.Contains(got.stderr, "no space left") {
		t.Errorf("%+v", got)
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
