package sqlstore

import (
	"io/fs"
	"path"
	"slices"
	"testing"
)

func TestEveryDialectHasEveryMigration(t *testing.T) {
	t.Parallel()
	names := func(folder string) []string {
		files, err := fs.Glob(migrations, "migrations/"+folder+"/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for i, f := range files {
			files[i] = path.Base(f)
		}
		return files
	}
	if sqlite, mysql := names("sqlite"), names("mysql"); !slices.Equal(sqlite, mysql) {
		t.Errorf("%q for SQLite, %q for MySQL", sqlite, mysql)
	}
}
