package mongostore

import (
	"context"
	"errors"
)

// Reindex builds the indexes that are missing, or are not as they should be, in a database whose schema is up to date;
// also the one without which Open refuses it. Its error names, by their ids, the users who have the same e-mail address.
func Reindex(ctx context.Context, c Config) (err error) {
	s, err := connect(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.disconnect()) }()
	switch version, err := s.SchemaVersion(ctx); {
	case err != nil:
		return err
	case version == 0:
		return errors.New("build indexes: the database is empty, or that of the original system: migrate it first")
	}
	return do(ctx, "build indexes", migrateTimeout, s.buildIndexes)
}
