package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/a64core/hub"
)

func TestBackupAndRestoreAnswerInTextAndJSON(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	first, second := filepath.Join(i.dir, "first.a64"), filepath.Join(i.dir, "second.a64")
	if got := i.do(t, nil, "backup", first); !strings.HasPrefix(got, "Written: "+first+", ") || !strings.Contains(got, ": 1 user, 1 mail, 1 event.") {
		t.Errorf("got %q", got)
	}
	var written struct {
		Path, SHA256, Engine string
		Bytes                int64
		AtOneMoment          bool
		Records              map[string]int
	}
	i.do(t, &written, "backup", second, "--json")
	info, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	if written.Path != second || written.Bytes != info.Size() || written.Engine != "sqlite" || !written.AtOneMoment || written.Records["user"] != 1 {
		t.Errorf("got %+v of %d bytes", written, info.Size())
	}
	if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("the backup has mode %o", mode)
	}
	if got := i.do(t, nil, "backup", "verify", second); !strings.Contains(got, "from sqlite (schema ") || !strings.HasSuffix(got, "The archive is whole.\n") {
		t.Errorf("verify: %q", got)
	}
	var verified struct {
		Whole  bool
		SHA256 string
		Users  int
	}
	if i.do(t, &verified, "backup", "verify", second, "--json"); !verified.Whole || verified.SHA256 != written.SHA256 || verified.Users != 1 {
		t.Errorf("verify: %+v", verified)
	}
	var restored struct {
		Database, Kept string
		Users          int
	}
	other := install(t)
	if other.do(t, &restored, "restore", second, "--json"); restored.Database != "sqlite" || restored.Kept != "" || restored.Users != 1 {
		t.Errorf("got %+v", restored)
	}
	other.do(t, nil, "users", "show", "ada@example.com")
	text := other.do(t, nil, "restore", "--force", first)
	for _, part := range []string{"The former database is now ", "Restored into sqlite: ", "everybody signs in anew"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
	other.do(t, nil, "store", "verify")
}

func TestBackupOverwritesNothing(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	taken := filepath.Join(i.dir, "taken.a64")
	if err := os.WriteFile(taken, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(i.dir, "a64core.db"), taken, filepath.Join(i.dir, "no-such-folder", "x.a64")} {
		if got := i.try(t, "backup", path); got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, "a64core: back up: ") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if content, err := os.ReadFile(taken); err != nil || string(content) != "precious" {
		t.Errorf("the file that was there: %q, %v", content, err)
	}
	i.do(t, nil, "users", "show", "ada@example.com")
}

func TestABackupInAFolderIsNamedAfterTheTime(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do(t, nil, "migrate")
	folder := t.TempDir()
	i.do(t, nil, "backup", folder)
	if made, err := filepath.Glob(filepath.Join(folder, "a64core-2*Z.a64")); err != nil || len(made) != 1 {
		t.Errorf("made %v, %v", made, err)
	}
}

func TestBackupGoesThroughPipes(t *testing.T) {
	t.Parallel()
	i, other := install(t), install(t)
	i.create(t, "ada@example.com", "user")
	packed := i.try(t, "backup", "-")
	if packed.code != exitOK || !strings.HasPrefix(packed.stdout, "a64core archive 1\n") || !strings.Contains(packed.stderr, "Written: -") {
		t.Fatalf("%d: %s", packed.code, packed.stderr)
	}
	if got := tryWith(t, other.env, packed.stdout, "backup", "verify", "-"); got.code != exitOK {
		t.Errorf("verify: %+v", got)
	}
	if got := tryWith(t, other.env, packed.stdout, "restore", "-"); got.code != exitOK {
		t.Errorf("restore: %+v", got)
	}
	other.do(t, nil, "users", "show", "ada@example.com")
	if got := i.try(t, "backup", "-", "--json"); got.code != exitUsage {
		t.Errorf("the archive and JSON in one stream: %+v", got)
	}
}

func TestEncryptedBackupsNeedTheirKey(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keyFile, passFile := filepath.Join(i.dir, "key.txt"), filepath.Join(i.dir, "pass.txt")
	for path, text := range map[string]string{keyFile: identity.String(), passFile: "open sesame\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forKey, forPass := filepath.Join(i.dir, "key.a64"), filepath.Join(i.dir, "pass.a64")
	i.do(t, nil, "backup", forKey, "--recipient", identity.Recipient().String())
	i.with("BACKUP_PASSPHRASE", "open sesame").do(t, nil, "backup", forPass)
	if content, err := os.ReadFile(forKey); err != nil || bytes.Contains(content, []byte("sqlite")) {
		t.Errorf("readable, %v", err)
	}
	i.do(t, nil, "backup", "verify", forKey, "--identity", keyFile)
	i.do(t, nil, "backup", "verify", forPass, "--passphrase-file", passFile)
	install(t).do(t, nil, "restore", forKey, "--identity", keyFile)
	for _, tt := range []struct {
		args, want string
		code       int
	}{
		{"backup verify " + forKey, "the archive is encrypted", exitFailure},
		{"restore --force " + forPass, "the archive is encrypted", exitFailure},
		{"restore --force --identity " + keyFile + " " + forPass, "cannot be decrypted", exitFailure},
		{"restore --force --passphrase-file " + keyFile + " " + forPass, "cannot be decrypted", exitFailure},
		{"restore --passphrase-file " + keyFile + " --identity " + keyFile + " " + forPass, "do not go together", exitUsage},
		{"backup --recipient age1nonsense " + forPass + ".x", "read the recipients", exitFailure},
	} {
		if got := i.try(t, strings.Fields(tt.args)...); got.code != tt.code || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.args, got)
		}
	}
	i.do(t, nil, "users", "show", "ada@example.com")
}

func TestRestoreKeepsTheDatabaseUnlessForced(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	backup := filepath.Join(i.dir, "backup.a64")
	i.do(t, nil, "backup", backup)
	i.create(t, "later@example.com", "user")

	if got := i.try(t, "restore", backup); got.code != exitFailure || !strings.Contains(got.stderr, "is not empty: use --force") {
		t.Errorf("without --force: %+v", got)
	}
	i.do(t, nil, "users", "show", "later@example.com")

	var restored struct{ Kept string }
	i.do(t, &restored, "restore", "--force", "--json", backup)
	if got := i.try(t, "users", "show", "later@example.com"); got.code != exitFailure {
		t.Errorf("an account from after the backup: %+v", got)
	}
	i.do(t, nil, "users", "show", "ada@example.com")
	i.do(t, nil, "users", "show", "later@example.com", "--sqlite-path", restored.Kept)
}

func TestRestoreRefusesWhatIsNoArchive(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	backup := filepath.Join(i.dir, "backup.a64")
	i.do(t, nil, "backup", backup)
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	torn := bytes.Clone(whole)
	torn[len(torn)/2] ^= 0x55
	newer := bytes.Replace(whole, []byte("archive 1"), []byte("archive 2"), 1)
	for name, tt := range map[string]struct {
		content []byte
		want    string
	}{
		"text": {[]byte("no archive"), "does not begin as one"}, "empty": {nil, "does not begin as one"},
		"half": {whole[:len(whole)/2], "ends too early"}, "torn": {torn, "the archive is damaged at byte"},
		"newer": {newer, "a newer program wrote the archive"}, "database": {[]byte("SQLite format 3\x00"), "store copy --from sqlite --from-path"},
	} {
		path := filepath.Join(i.dir, name)
		if err := os.WriteFile(path, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"restore --force ", "backup verify "} {
			got := i.try(t, strings.Fields(command+path)...)
			if got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("%s%s: %+v", command, name, got)
			}
		}
	}
	i.do(t, nil, "users", "show", "ada@example.com")
	i.do(t, nil, "store", "verify")
	for _, pattern := range []string{"*before*", ".*"} {
		if left, err := filepath.Glob(filepath.Join(i.dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if got := i.try(t, "restore", filepath.Join(i.dir, "missing.a64")); got.code != exitFailure || !strings.Contains(got.stderr, "open the archive") {
		t.Errorf("a missing file: %+v", got)
	}
}

// TestArchivesGoFromAnyDatabaseToAnyOther takes the same records through SQLite, MySQL, MongoDB and dual.
func TestArchivesGoFromAnyDatabaseToAnyOther(t *testing.T) {
	t.Parallel()
	s := installServers(t)
	file := s.with("DATABASE", "sqlite")
	file.create(t, "root@example.com", "super_admin")
	fillFile(t, file, 60)
	path := func(name string) string { return filepath.Join(file.dir, name+".a64") }
	file.do(t, nil, "backup", path("sqlite"))
	want := recordsIn(t, file, path("sqlite"))
	if want[hub.RecordSession] != 60 || want[hub.RecordUser] != 61 {
		t.Fatalf("the archive holds %v", want)
	}
	from := "sqlite"
	for _, to := range []string{"mysql", "dual", "mongodb"} {
		into := s.with("DATABASE", to)
		into.want(t, exitOK, "migrate")
		if to == "dual" { // of which MySQL was filled before
			into.want(t, exitFailure, "restore --keep-sessions "+path(from), "mysql: the database is not empty")
		}
		into.want(t, exitOK, "restore --force --keep-sessions "+path(from), "Restored into "+to)
		into.want(t, exitOK, "store verify", "whole")
		into.do(t, nil, "backup", path(to))
		if got := recordsIn(t, into, path(to)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("from %s to %s: %v, want %v", from, to, got, want)
		}
		from = to
	}
	s.want(t, exitOK, "store verify --all", "Both databases are whole and hold the same.", "61 users, 60 sessions, 60 mail tokens, ")
	again := file.with("SQLITE_PATH", filepath.Join(file.dir, "again.db"))
	again.want(t, exitOK, "restore --keep-sessions "+path("mongodb"), "Restored into sqlite")
	again.want(t, exitOK, "store copy --from sqlite --to sqlite --from-path "+filepath.Join(file.dir, "a64core.db"), "0 records were written, 0 removed.", "holds the same")
	s.want(t, exitOK, "restore --force "+path("sqlite"), "everybody signs in anew")
	s.want(t, exitOK, "store verify --all", "hold the same.", "61 users, 1 mail and 61 events.")
}

// recordsIn returns how many records of each kind an archive holds.
func recordsIn(t *testing.T, i installation, path string) map[hub.RecordKind]int {
	t.Helper()
	var view struct{ Records map[hub.RecordKind]int }
	if err := json.Unmarshal([]byte(i.do(t, nil, "backup", "verify", path, "--json")), &view); err != nil {
		t.Fatal(err)
	}
	return view.Records
}
