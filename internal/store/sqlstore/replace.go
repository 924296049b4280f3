package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Replace puts the database at fresh, which is closed and on the same disk, in the place of the one at path. One that is there
// is kept beside it, and its new name returned. No process may have either open.
func Replace(ctx context.Context, fresh, path string) (kept string, err error) {
	if err := release(ctx, fresh); err != nil {
		return "", err
	}
	if err := release(ctx, path); err != nil {
		return "", err
	}
	if kept, err = moveAside(path); err != nil {
		return kept, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return kept, fmt.Errorf("put the database in place: %w", err)
	}
	return kept, syncFolder(filepath.Dir(path))
}

// syncFolder makes the name of a new file as durable as its content.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// release folds the write-ahead log of the database at path into its file, which needs the file for itself: it refuses if
// another process has the database open. A database that cannot be read any more is no hindrance.
func release(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	db, err := openSQLite(path, 1, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	if sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY || mode == "wal" {
		return errors.New("another process has the database open: stop the server first")
	}
	return nil
}

// moveAside gives the database at path another name, with the files that belong to it.
func moveAside(path string) (kept string, err error) {
	kept = path + ".before-" + time.Now().UTC().Format("20060102T150405.000Z")
	moved := false
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(path+suffix, kept+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, fmt.Errorf("move the present database: %w", err)
		}
		moved = moved || err == nil
	}
	if !moved {
		return "", nil
	}
	return kept, nil
}
