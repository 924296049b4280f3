package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// TestFLT15_MySQLsDiskIsFull fills the disk of MySQL under load: requests go on, their changes wait, and are copied when
// there is space again.
func TestFLT15_MySQLsDiskIsFull(t *testing.T) {
	disk, err := os.MkdirTemp("", "a64core-test-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(disk) }) // empty, or still mounted
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("no small disk to fill, which takes the right to mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", disk).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	if err := os.Chmod(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", disk) // where the server will keep its data
	server := testdb.StartMySQL(t)
	d := newDatabases(t, server.MySQL())
	d.drop()
	s := serve(t, t.TempDir(), d.settings()...)
	root := d.root(s)
	c := gather(t, s, root, "full", 4)
	c.stay(time.Second)
	fill(t, filepath.Join(disk, "filler"))
	s.log.wait(t, secondaryOut)
	c.stay(3 * time.Second)
	if n := pending(t, s, root); n == 0 {
		t.Error("nothing waits to be copied")
	} else {
		t.Logf("%d records wait to be copied", n)
	}
	if err := os.Remove(filepath.Join(disk, "filler")); err != nil {
		t.Fatal(err)
	}
	c.leave()
	c.wantNoOddAnswer()
	c.wantKept(d.wantEqual())
	wantLogged(t, s, secondaryOut, 4) // small copies may find a place between large ones
}

// fill writes a file until there is no space.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
}
