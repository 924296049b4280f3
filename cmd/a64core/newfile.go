package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// standardStream is the name of a file that is none, but the standard input or output.
const standardStream = "-"

// writeNew has write fill a new file, which only its owner may read. The file has its name only when it is whole and on the
// disk; whatever fails before leaves nothing. It never overwrites: fs.ErrExist.
func writeNew(path string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	partial, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial") // of mode 0600
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, partial.Close())
		}
		if removed := os.Remove(partial.Name()); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	if err := write(partial); err != nil {
		return err
	}
	if err := partial.Sync(); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	closed = true
	if err := partial.Close(); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nameNew(partial.Name(), path)
}

// nameNew gives a file its name without replacing another, which a link does and a rename does not. Some file systems know no
// links.
func nameNew(partial, path string) error {
	err := os.Link(partial, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		if _, err = os.Lstat(path); err == nil {
			err = fs.ErrExist
		} else {
			err = os.Rename(partial, path)
		}
	}
	if err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	_ = folder.Sync() // some systems cannot, and the content is on the disk
	return folder.Close()
}
