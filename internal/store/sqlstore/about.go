package sqlstore

import (
	"context"

	"github.com/a64core/hub"
)

const aboutSQLite = `SELECT 'SQLite ' || sqlite_version(), page_count * page_size FROM pragma_page_count, pragma_page_size`

// About implements hub.Database.
func (s *Store) About(ctx context.Context) (hub.About, error) {
	a := hub.About{Engine: s.dialect.engine, Place: s.place}
	if err := s.readOne(ctx, "read the database's size", s.dialect.about, nil, &a.Product, &a.Bytes); err != nil {
		return hub.About{}, err
	}
	var err error
	a.Schema, err = s.SchemaVersion(ctx)
	return a, err
}

// Pool implements hub.Database. Of SQLite it counts the connections that read; one more writes.
func (s *Store) Pool() hub.Pool {
	stats := s.readers.Stats()
	return hub.Pool{Engine: s.dialect.engine, InUse: stats.InUse, Idle: stats.Idle, Max: stats.MaxOpenConnections}
}
