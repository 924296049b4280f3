package testdb

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// template is a folder in memory: a database server's data directory when it is new. Making one takes seconds, and
// several tests want one. In memory it leaves nothing behind when the tests end.
type template struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	path string
	mode fs.FileMode
	data []byte
}

// copyTo fills the folder, which has to be there and empty. The first time fill does, and what it made is remembered.
func (m *template) copyTo(dir string, o *owner, fill func(dir string) error) error {
	m.mu.Lock() // others wait for the first
	defer m.mu.Unlock()
	if m.entries == nil {
		if err := fill(dir); err != nil {
			return err
		}
		return m.read(dir)
	}
	for _, e := range m.entries {
		path := filepath.Join(dir, e.path)
		if e.mode.IsDir() {
			if err := os.Mkdir(path, e.mode.Perm()); err != nil {
				return err
			}
		} else if err := os.WriteFile(path, e.data, e.mode.Perm()); err != nil {
			return err
		}
		if err := o.give(path); err != nil {
			return err
		}
	}
	return nil
}

func (m *template) read(dir string) error {
	var entries []entry
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{mode: info.Mode()}
		if e.path, err = filepath.Rel(dir, path); err != nil {
			return err
		}
		switch {
		case e.mode.IsRegular():
			if e.data, err = os.ReadFile(path); err != nil {
				return err
			}
		case !e.mode.IsDir():
			return nil // a socket, if anything
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return err
	}
	m.entries = entries
	return nil
}
