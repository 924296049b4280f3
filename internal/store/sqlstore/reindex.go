package sqlstore

import (
	"context"
	"errors"
	"fmt"
)

// errNotAFile answers what can be done with a SQLite file only.
var errNotAFile = errors.New("only for sqlite: the database is on a server, which has tools of its own for it")

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
