package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// errNotAFile answers what can be done with a SQLite file only.
var errNotAFile = errors.New("only for sqlite: the database is on a server, which has tools of its own for it")

// Backup writes the database as it is at this moment into a new file, which only its owner may read, while the store
// goes on serving. It never overwrites a file, and the file is not there before it is whole and on the disk. The copy
// holds nothing of what was deleted. Only a SQLite file can be backed up.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("back up: %w", s.dialect.classify(err))
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) (err error) {
	if s.path == "" {
		return errNotAFile
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	partial, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial") // of mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, partial.Close(), os.Remove(partial.Name())) }()

	if err := s.copyInto(ctx, partial.Name()); err != nil {
		return err
	}
	if err := partial.Sync(); err != nil {
		return err
	}
	if err := os.Link(partial.Name(), path); err != nil { // unlike a rename, a link replaces nothing
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// copyInto writes a snapshot into the empty file, by a connection of its own, so that no reader is missing meanwhile.
func (s *Store) copyInto(ctx context.Context, path string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := openSQLite(s.path, 1, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// syncFolder makes the name of a new file as durable as its content.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
