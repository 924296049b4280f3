package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
)

func TestMigrateTellsTheVersions(t *testing.T) {
	t.Parallel()
	i := install(t)
	var m []struct {
		Database string
		From, To int64
	}
	i.do(t, &m, "migrate", "--json")
	if len(m) != 1 || m[0].Database != "sqlite" || m[0].From != 0 || m[0].To < 1 {
		t.Errorf("a new database: %+v", m)
	}
	if got := i.do(t, nil, "migrate"); !strings.HasPrefix(got, "The schema of sqlite is up to date: version ") {
		t.Errorf("again: %q", got)
	}
	if got := install(t).do(t, nil, "migrate"); !strings.Contains(got, "; it was at none.") {
		t.Errorf("a new database, in text: %q", got)
	}
}

func TestWithoutMigrationOlderDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.env["MIGRATE"] = "false"
	for _, args := range []string{"users list", "store status", "store verify", "backup", "events", "serve --port=0"} {
		got := i.try(t, strings.Fields(args)...)
		if got.code != exitFailure || !strings.Contains(got.stderr, "open the database (sqlite): ") {
			t.Errorf("%s: %+v", args, got)
		}
	}
	i.do(t, nil, "migrate")
	i.do(t, nil, "store", "verify")
}

func TestStoreStatusCounts(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin")
	i.create(t, "ada@example.com", "user")
	i.do(t, nil, "users", "delete", "ada@example.com")
	var status statusView
	i.do(t, &status, "store", "status", "--json")
	got := status.Databases[0]
	if got.Bytes < 1 || got.Schema < 1 || !strings.HasPrefix(got.Product, "SQLite ") {
		t.Errorf("got %+v", got.DatabaseDetails)
	}
	got.Bytes, got.Schema, got.Product = 0, 0, ""
	want := statusView{Mode: "sqlite", Databases: []databaseView{{Role: "database", Engine: "sqlite", DatabaseDetails: &DatabaseDetails{
		Place: filepath.Join(i.dir, "a64core.db"), Users: 1, Deleted: 1, Mails: map[hub.MailState]int{hub.MailQueued: 2},
	}}}}
	if diff := cmp.Diff(want, status, cmp.AllowUnexported(databaseView{})); diff != "" {
		t.Error(diff)
	}
	text := i.do(t, nil, "store", "status")
	for _, part := range []string{"sqlite", "1, and 1 deleted", "2 queued, 0 sent, 0 dropped, 0 dead"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func TestStoreVerifyFindsAWholeDatabaseWhole(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "root@example.com", "super_admin")
	for _, command := range []string{"verify", "repair"} {
		if got := i.do(t, nil, "store", command); got != "The database is whole.\n" {
			t.Errorf("%s: %q", command, got)
		}
		if got := i.do(t, nil, "store", command, "--json"); got != "{\n  \"whole\": true,\n  \"findings\": []\n}\n" {
			t.Errorf("%s: %q", command, got)
		}
	}
}

// damage changes the pages of an installation's database by hand. Whoever had it open left everything in the one file.
func (i installation) damage(t *testing.T, change func(page []byte) bool) {
	t.Helper()
	path := filepath.Join(i.dir, "a64core.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int(binary.BigEndian.Uint16(file[16:])) // https://www.sqlite.org/fileformat.html, section 1.3
	changed := false
	for at := size; at+size <= len(file); at += size { // the first page holds the schema
		changed = change(file[at:at+size]) || changed
	}
	if !changed {
		t.Fatal("there is nothing to damage")
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Kinds of pages that hold entries (section 1.6 of the same).
const (
	indexLeaf = 0x0a
	tableLeaf = 0x0d
)

func TestStoreRepairMendsADamagedIndex(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	i.damage(t, func(page []byte) bool {
		at := bytes.Index(page, []byte("ada@example.com"))
		if page[0] != indexLeaf || at < 0 {
			return false
		}
		page[at] = 'b'
		return true
	})
	text := i.try(t, "store", "verify")
	if text.code != exitFailure || !strings.Contains(text.stdout, "integrity: ") || !strings.Contains(text.stdout, "finding") {
		t.Errorf("verify: %+v", text)
	}
	if got := i.try(t, "store", "verify", "--json"); got.code != exitFailure || !strings.Contains(got.stdout, `"whole": false`) || got.stderr != "" {
		t.Errorf("verify --json: %+v", got)
	}
	if got := i.do(t, nil, "store", "repair"); got != "The database is whole.\n" {
		t.Errorf("repair: %q", got)
	}
	i.do(t, nil, "store", "verify")
	i.do(t, nil, "users", "show", "ada@example.com")
}

func TestStoreVerifyFindsDamagedRows(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.create(t, "ada@example.com", "user")
	i.damage(t, func(page []byte) bool {
		at := bytes.LastIndex(page, []byte("Lovelace")) // the name, but not what it is found by
		if page[0] != tableLeaf || at < 0 {
			return false
		}
		page[at] = 'M'
		return true
	})
	for _, command := range []string{"verify", "repair"} {
		got := i.try(t, "store", command)
		if got.code != exitFailure || !strings.Contains(got.stdout, "cannot be found by name\n1 finding.\n") {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

func TestFilesThatAreNoDatabaseAreRefused(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"text": strings.Repeat("no database ", 1000), "header alone": "SQLite format 3\x00"} {
		i := install(t)
		if err := os.WriteFile(filepath.Join(i.dir, "a64core.db"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range []string{"store status", "store verify", "store repair", "backup", "users list", "migrate", "serve --port=0"} {
			got := i.try(t, strings.Fields(args)...)
			if got.code != exitFailure || got.stdout != "" || !strings.HasPrefix(got.stderr, "a64core: ") || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("%s, %s: %+v", name, args, got)
			}
		}
	}
}
