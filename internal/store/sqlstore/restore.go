package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Reindex rebuilds every index of a SQLite file from its table. Writers wait meanwhile.
func (s *Store) Reindex(ctx context.Context) error {
	if s.path == "" {
		return fmt.Errorf("rebuild indexes: %w", errNotAFile)
	}
	return s.write(ctx, "rebuild indexes", func(t *tx) error {
		_, err := t.exec("REINDEX")
		return err
	})
}

// Restore puts a copy of the backup in the place of the database at path, once the copy is on the disk, has the present
// schema or one that can be brought to it, and verifies. With replace, a database that is there is kept beside it, and its
// new name returned; otherwise it is fs.ErrExist. No process may have either open.
func Restore(ctx context.Context, backup, path string, replace bool) (kept string, err error) {
	if _, err := os.Lstat(path); err == nil && !replace {
		return "", fs.ErrExist
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("create folder: %w", err)
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".restore-") // on the same disk, so that it can be renamed
	if err != nil {
		return "", fmt.Errorf("create folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	fresh := filepath.Join(folder, "restored.db")
	if err := copyFile(backup, fresh); err != nil {
		return "", err
	}
	if err := verifyFile(ctx, fresh); err != nil {
		return "", err
	}
	if err := release(ctx, path); err != nil {
		return "", err
	}
	if kept, err = moveAside(path); err != nil {
		return kept, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return kept, fmt.Errorf("put the copy in place: %w", err)
	}
	return kept, syncFolder(filepath.Dir(path))
}

// copyFile copies a file to a new one that only its owner may read, and waits until it is on the disk.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("create copy: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("copy backup: %w", err)
	}
	return out.Sync()
}

// verifyFile migrates the database and refuses it if it is not one of ours, or anything is wrong with it. Nothing of the
// write-ahead log is left beside it.
func verifyFile(ctx context.Context, path string) (err error) {
	if err := refuseEmpty(ctx, path); err != nil {
		return err
	}
	s, err := Open(ctx, Config{Path: path, Migrate: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	findings, err := s.Verify(ctx)
	if err == nil && len(findings) > 0 {
		err = fmt.Errorf("the backup is damaged: %s (%d findings)", findings[0], len(findings))
	}
	return err
}

// refuseEmpty refuses a file that holds nothing of ours, which migrating would turn into a fresh database.
func refuseEmpty(ctx context.Context, path string) (err error) {
	db, err := openSQLite(path, 1, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	owned, err := checkOwner(ctx, db)
	if err == nil && !owned {
		err = errors.New("the backup is empty")
	}
	return err
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
