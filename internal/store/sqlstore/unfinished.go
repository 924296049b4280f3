package sqlstore

import "context"

// unfinishedTable is there as long as the database is unfinished. It has no rows.
const unfinishedTable = "unfinished"

// SetUnfinished implements hub.Database.
func (s *Store) SetUnfinished(ctx context.Context, unfinished bool) error {
	statement := "DROP TABLE IF EXISTS " + unfinishedTable
	if unfinished {
		statement = "CREATE TABLE IF NOT EXISTS " + unfinishedTable + " (id INTEGER PRIMARY KEY)"
	}
	return s.write(ctx, "note whether the database is whole", func(t *tx) error {
		_, err := t.exec(statement)
		return err
	})
}

// Unfinished implements hub.Database.
func (s *Store) Unfinished(ctx context.Context) (bool, error) {
	var n int
	err := s.readOne(ctx, "ask whether the database is whole", s.dialect.tables, []any{unfinishedTable}, &n)
	return n > 0, err
}
