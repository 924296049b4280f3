package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

func writeFile(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// moveTo exports everything from one installation and imports it into another.
func (i installation) moveTo(t *testing.T, other installation, name string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	i.want(t, exitOK, "users export --with-hashes --include-deleted "+path, "Written: ", "3 users.")
	other.want(t, exitOK, "users import --allow-super-admin "+path, "Imported: 3 added, 0 updated, 0 unchanged, 0 skipped, 0 rejected, of 3 rows.")
	return path
}

func TestUsersMoveFromEngineToEngine(t *testing.T) {
	t.Parallel()
	first, last := install(t), install(t)
	first.create(t, "root@example.com", "super_admin", "--verified")
	const hash = "pbkdf2_sha256$1000$TjNxye8BC1Lk$R3nrDFVXndI+OZA7Ta9mtk7aC34+UV3lr/u3VknvAoQ=" // by passlib
	first.want(t, exitOK, "users import "+writeFile(t, "django.csv",
		"email,firstName,lastName,isEmailVerified,phone,metadata,passwordHash\r\nada@example.com,=Ada,\"O\"\"Hara, Jr.\",true,'+4930901820,\"{\"\"id\"\":7}\","+hash+"\r\n"), "1 added")
	gone := first.create(t, "gone@example.com", "user", "--verified")
	first.do(t, nil, "users", "delete", gone.UserID)

	both := installServers(t)
	path := first.moveTo(t, both.installation, "users.csv")
	both.want(t, exitOK, "users import --allow-super-admin "+path, "0 added, 0 updated, 3 unchanged")
	both.want(t, exitOK, "store verify --all", "hold the same")
	both.moveTo(t, last, "users.jsonl")

	for _, email := range []string{"root@example.com", "ada@example.com", "gone@example.com"} {
		before, after := first.stored(t, email), last.stored(t, email)
		if before.ID != after.ID || before.PasswordHash != after.PasswordHash || before.FirstName != after.FirstName || before.LastName != after.LastName ||
			before.Role != after.Role || before.Phone != after.Phone || string(before.Metadata) != string(after.Metadata) ||
			!before.CreatedAt.Equal(after.CreatedAt) || before.IsDeleted() != after.IsDeleted() {
			t.Errorf("%+v became %+v", before, after)
		}
	}
	settings := make([]string, 0, len(both.env))
	for _, name := range slices.Sorted(maps.Keys(both.env)) {
		settings = append(settings, name+"="+both.env[name])
	}
	s := serve(t, both.dir, settings...)
	for email, password := range map[string]string{"root@example.com": testPassword, "ada@example.com": "kX7!vPqz"} {
		s.want(t, 200, "POST", "/api/v1/auth/login", "", map[string]string{"email": email, "password": password})
	}
	s.want(t, 401, "POST", "/api/v1/auth/login", "", map[string]string{"email": "gone@example.com", "password": testPassword})
}

// A power cut in the middle costs nothing: the same command goes on, and each account is there once.
func TestAKilledImportGoesOn(t *testing.T) {
	t.Parallel()
	const n = 2000
	i := install(t)
	i.do(t, nil, "migrate")
	var text strings.Builder
	for k := range n {
		fmt.Fprintf(&text, `{"email":"user%d@example.com","firstName":"Ada","lastName":"Lovelace"}`+"\n", k)
	}
	path := writeFile(t, "users.jsonl", text.String())
	db, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(i.dir, "a64core.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	count := func(kind hub.RecordKind) int {
		t.Helper()
		found, err := db.Count(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}

	cmd := exec.Command(builtProgram, "users", "import", path)
	cmd.Dir, cmd.Env = i.dir, environment(i.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() string {
		if count(hub.RecordUser) == 0 {
			return "the first user"
		}
		return ""
	})
	_ = cmd.Process.Kill() // may have ended already
	_ = cmd.Wait()
	left := count(hub.RecordUser)
	t.Logf("killed after %d users", left)

	want := fmt.Sprintf("Imported: %d added, 0 updated, %s unchanged", n-left, grouped(left))
	if got := do(t, i.dir, "", "users", "import", path); !strings.Contains(strings.ReplaceAll(got, ",", ""), strings.ReplaceAll(want, ",", "")) {
		t.Errorf("got %swant %s", got, want)
	}
	if users, events := count(hub.RecordUser), count(hub.RecordEvent); users != n || events != n {
		t.Errorf("%d users and %d events, want %d", users, events, n)
	}
}

func TestImportSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	i := install(t)
	path := writeFile(t, "users.jsonl", `{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}
{"email":"kX7!vPqz","firstName":"Ada","password":"kX7!vPqz"}
`)
	report := filepath.Join(t.TempDir(), "rejected.jsonl")
	got := i.want(t, exitFailure, "users import --report "+report+" "+path, "line 2: password: passwords are not taken", "line 2: email: must be an e-mail address",
		"Nothing was written. This would be done: 1 added, 0 updated, 0 unchanged, 0 skipped, 1 rejected, of 2 rows.")
	written, err := os.ReadFile(report)
	if err != nil || strings.Count(string(written), "\n") != 2 || !strings.Contains(string(written), `{"line":2,"field":"email","message":"must be`) {
		t.Errorf("report: %s, %v", written, err)
	}
	if strings.Contains(got.stdout+got.stderr+string(written), "kX7!vPqz") {
		t.Error("a value is repeated")
	}
	if v := read[importView](t, i, exitFailure, "users import "+path); v.Rejected != 1 || v.Written || len(v.Mistakes) != 2 {
		t.Errorf("JSON: %+v", v)
	}
	if v := read[importView](t, i, exitOK, "users import --skip-invalid --dry-run "+path); v.Added != 1 || v.Written {
		t.Errorf("dry run: %+v", v)
	}
	i.want(t, exitOK, "users list", "0 of 0")
	if v := read[importView](t, i, exitOK, "users import --skip-invalid --default-role guest "+path); v.Added != 1 || !v.Written || i.stored(t, "ada@example.com").Role != hub.RoleGuest {
		t.Errorf("skipping: %+v", v)
	}
	i.want(t, exitFailure, "users import "+writeFile(t, "users.csv", "name\n"), "line 1: the column name is no field of an account: nothing was written")
	i.want(t, exitFailure, "users import "+writeFile(t, "users.txt", ""), "give --format jsonl or --format csv")
	i.want(t, exitFailure, "users import --format csv "+os.DevNull, "is no regular file")
	i.want(t, exitUsage, "users import --on-conflict guess "+path, "--on-conflict")
	i.want(t, exitUsage, "users import no/such.csv", "no/such.csv")
	i.want(t, exitUsage, "users import --default-role super_admin "+path, "--default-role")
}

func TestExportWritesAFileForItsOwner(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	i.do(t, nil, "users", "delete", i.create(t, "bob@example.com", "user").UserID)
	path := filepath.Join(t.TempDir(), "users.csv")
	i.want(t, exitOK, "users export "+path, "1 user.")
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "userId,email,") || !strings.Contains(string(text), "ada@example.com") || strings.Contains(string(text), "$2") {
		t.Errorf("%s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	i.want(t, exitFailure, "users export "+path, "file already exists")
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if got := i.do(t, nil, "users", "export", "--include-deleted", "-"); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"deletedAt":`) {
		t.Errorf("standard output: %s", got)
	}
	i.want(t, exitUsage, "users export --json -", "give a file")
	i.want(t, exitFailure, "users export "+filepath.Join(path, "x.csv"), "create file: ")
}
