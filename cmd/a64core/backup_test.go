package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestBackupAndRestoreAnswerInTextAndJSON(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	first, second := filepath.Join(i.dir, "first.db"), filepath.Join(i.dir, "second.db")
	if got := i.do(t, nil, "backup", first); !strings.HasPrefix(got, "Written: "+first+", ") {
		t.Errorf("got %q", got)
	}
	var written struct {
		Path  string
		Bytes int64
	}
	i.do(t, &written, "backup", second, "--json")
	info, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	if written.Path != second || written.Bytes != info.Size() {
		t.Errorf("got %+v of %d bytes", written, info.Size())
	}
	if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("the backup has mode %o", mode)
	}

	var restored struct{ Path, Kept string }
	other := install(t)
	other.do(t, &restored, "restore", second, "--json")
	if restored.Path != filepath.Join(other.dir, "a64core.db") || restored.Kept != "" {
		t.Errorf("got %+v", restored)
	}
	other.do(t, nil, "users", "show", "ada@example.com")
	if text := other.do(t, nil, "restore", "--force", first); !strings.Contains(text, "The former database is now ") || !strings.Contains(text, "Restored: ") {
		t.Errorf("got %q", text)
	}
	other.do(t, nil, "store", "verify")
}

func TestBackupOverwritesNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	for _, path := range []string{filepath.Join(i.dir, "a64core.db"), filepath.Join(i.dir, "taken.db"), filepath.Join(i.dir, "no-such-folder", "x.db")} {
		if strings.HasSuffix(path, "taken.db") {
			if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := i.try(t, "backup", path); got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, "a64core: back up: ") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if content, err := os.ReadFile(filepath.Join(i.dir, "taken.db")); err != nil || string(content) != "precious" {
		t.Errorf("the file that was there: %q, %v", content, err)
	}
	i.do(t, nil, "users", "show", "ada@example.com")
}

func TestRestoreKeepsTheDatabaseUnlessForced(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	backup := filepath.Join(i.dir, "backup.db")
	i.do(t, nil, "backup", backup)
	i.create(t, "later@example.com", "user")

	if got := i.try(t, "restore", backup); got.code != exitFailure || !strings.Contains(got.stderr, "is there already: use --force") {
		t.Errorf("without --force: %+v", got)
	}
	i.do(t, nil, "users", "show", "later@example.com")

	var restored struct{ Path, Kept string }
	i.do(t, &restored, "restore", "--force", "--json", backup)
	if got := i.try(t, "users", "show", "later@example.com"); got.code != exitFailure {
		t.Errorf("an account from after the backup: %+v", got)
	}
	i.do(t, nil, "users", "show", "ada@example.com")
	i.do(t, nil, "users", "show", "later@example.com", "--sqlite-path", restored.Kept)
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	backup := filepath.Join(i.dir, "backup.db")
	i.do(t, nil, "backup", backup)
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	torn := append([]byte(nil), whole...)
	for at := len(torn) / 2; at < len(torn); at++ {
		torn[at] ^= 0x55
	}
	for name, content := range map[string][]byte{"text": []byte("no database"), "empty": nil, "half": whole[:len(whole)/2], "torn": torn} {
		path := filepath.Join(i.dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got := i.try(t, "restore", "--force", path)
		if got.code != exitFailure || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	i.do(t, nil, "users", "show", "ada@example.com")
	i.do(t, nil, "store", "verify")
	if left, err := filepath.Glob(filepath.Join(i.dir, "*before*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if got := i.try(t, "restore", filepath.Join(i.dir, "missing.db")); got.code != exitUsage {
		t.Errorf("a missing file: %+v", got)
	}
}
