package mongostore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

const (
	schemaID = "schema" // of the document in meta
	// migrateTimeout bounds one step of a migration: building an index reads everything.
	migrateTimeout = time.Hour
)

// Migration says what Migrate did: which version the schema had, 0 for none, and which it has.
type Migration struct{ From, To int64 }

// Migrate brings the database's schema up to date, and creates what is missing. Several processes may do so at once. Its
// error names the users, by id, who have the same e-mail address in different spellings. ErrUnavailable.
func Migrate(ctx context.Context, c Config) (_ Migration, err error) {
	s, err := connect(c)
	if err != nil {
		return Migration{}, err
	}
	defer func() { err = errors.Join(err, s.disconnect()) }()
	m, err := s.migrate(ctx)
	if err != nil {
		return Migration{}, fmt.Errorf("migrate: %w", explain(ctx, c, err))
	}
	return m, nil
}

// steps are the migrations in their order; the first leads to version 1. Each may run again, and beside itself: it changes
// only what is not yet as it should be. A released step never changes.
func (s *Store) steps() []func(context.Context) error {
	return []func(context.Context) error{
		s.adoptLegacy,  // 1: documents of the original system, indexes, the lease
		s.buildIndexes, // 2: users_by_active, users_by_state
	}
}

func (s *Store) migrate(ctx context.Context) (Migration, error) {
	from, err := s.SchemaVersion(ctx)
	if err != nil {
		return Migration{}, err
	}
	steps := s.steps()
	to := int64(len(steps))
	if from > to {
		return Migration{}, newerSchema(from, to)
	}
	for version := from + 1; version <= to; version++ {
		err := do(ctx, fmt.Sprintf("step %d", version), migrateTimeout, func(ctx context.Context) error {
			return s.takeStep(ctx, version, steps[version-1])
		})
		if err != nil {
			return Migration{}, err
		}
		if err := s.setSchemaVersion(ctx, version); err != nil {
			return Migration{}, err
		}
	}
	return Migration{From: from, To: to}, nil
}

// takeStep makes one migration. It fails where another process makes the same one at the same moment, such as when both
// create a collection; so it is tried again, until it works or the other one is done.
func (s *Store) takeStep(ctx context.Context, version int64, step func(context.Context) error) error {
	for try := 1; ; try++ {
		err := step(ctx)
		var server mongo.ServerError
		if err == nil || !errors.As(err, &server) || try == maxTries || !pause(ctx, try) {
			return err
		}
		if now, err := s.SchemaVersion(ctx); err == nil && now >= version {
			return nil
		}
	}
}

// SchemaVersion returns the number of the last migration that was applied.
func (s *Store) SchemaVersion(ctx context.Context) (version int64, err error) {
	err = s.findOne(ctx, "read schema version", s.meta, bson.D{{Key: "_id", Value: schemaID}}, func(raw bson.Raw) error {
		return readFields(raw, func(r *reader, name string, v bson.RawValue) {
			if name == "version" {
				version = r.number(v)
			}
		})
	})
	if errors.Is(err, hub.ErrNotFound) {
		return 0, nil
	}
	return version, err
}

func (s *Store) setSchemaVersion(ctx context.Context, version int64) error {
	return s.do(ctx, "set schema version", func(ctx context.Context) error {
		return upsert(ctx, s.meta, schemaID, bson.D{{Key: "$max", Value: bson.D{{Key: "version", Value: version}}}})
	})
}

// upsert updates a document of that id, or creates it. Two that create it at once may collide: then it is there.
func upsert(ctx context.Context, in *mongo.Collection, id string, update bson.D) error {
	var err error
	for range 3 {
		_, err = in.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, update, options.UpdateOne().SetUpsert(true))
		if !isDuplicate(err) {
			return err
		}
	}
	return err
}

// check refuses a database that this program cannot serve from.
func (s *Store) check(ctx context.Context) error {
	version, err := s.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	switch newest := int64(len(s.steps())); {
	case version > newest:
		return newerSchema(version, newest)
	case version == 0:
		return errors.New("the database is empty, or that of the original system: migrate it first")
	case version < newest:
		return fmt.Errorf("the schema has version %d and this program needs %d: migrate it first", version, newest)
	}
	missing, err := s.missingIndexes(ctx)
	if err != nil {
		return err
	}
	for _, i := range missing {
		if i.name == emailIndex {
			return fmt.Errorf("users has no unique index %s on e-mail addresses: restore the database from a backup, or build the index", emailIndex)
		}
	}
	return nil
}

func newerSchema(version, newest int64) error {
	return fmt.Errorf("the schema has version %d and this program knows %d: use a newer program", version, newest)
}

// missingIndexes returns the indexes that are not there, or not as they should be.
func (s *Store) missingIndexes(ctx context.Context) (missing []index, err error) {
	err = s.do(ctx, "list indexes", func(ctx context.Context) error {
		missing = nil
		stored := make(map[string][]storedIndex)
		for _, in := range s.shelves() {
			if stored[in.Name()], err = storedIndexes(ctx, in); err != nil {
				return err
			}
		}
		for _, i := range s.indexes() {
			has := false
			for _, x := range stored[i.in.Name()] {
				has = has || x.Name == i.name && x.does(&i)
			}
			if !has {
				missing = append(missing, i)
			}
		}
		return nil
	})
	return missing, err
}

var errCollision = errors.New("values that must differ are equal")

// refuseCollisions refuses users who have the same address but for the case of letters, and names them by their ids.
func (s *Store) refuseCollisions(ctx context.Context) error {
	groups, err := s.collisions(ctx)
	if err == nil && len(groups) > 0 {
		err = fmt.Errorf("%w: these users have the same e-mail address, so that only one of each may keep it: %s", errCollision, strings.Join(groups, "; "))
	}
	return err
}

// collisions lists the ids of users who have the same address but for the case of letters, each group as one text.
func (s *Store) collisions(ctx context.Context) ([]string, error) {
	cursor, err := s.users.Find(ctx, bson.D{}, options.Find().SetProjection(bson.D{{Key: "userId", Value: 1}, {Key: "email", Value: 1}}))
	if err != nil {
		return nil, err
	}
	var order []string
	ids := make(map[string][]string)
	_, err = collect(ctx, cursor, func(raw bson.Raw) (struct{}, error) {
		email := hub.Fold(textOf(raw, "email"))
		if ids[email] == nil {
			order = append(order, email)
		}
		ids[email] = append(ids[email], textOf(raw, "userId"))
		return struct{}{}, nil
	})
	var groups []string
	for _, email := range order {
		if len(ids[email]) > 1 {
			groups = append(groups, strings.Join(ids[email], " and "))
		}
	}
	return groups, err
}
