package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/replica"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// Engines returns the engines of the databases that DATABASE names, the one that decides first.
func Engines(c config.Config) []config.Database {
	if c.Database == config.Dual {
		return []config.Database{config.MongoDB, config.MySQL}
	}
	return []config.Database{c.Database}
}

// openStore opens what DATABASE names, and brings schemas up to date if the settings say so. With two databases it is a
// *replica.Store.
func openStore(ctx context.Context, c config.Config, o Options, open openDatabase) (hub.Store, error) {
	engines := Engines(c)
	primary, err := open(ctx, c, engines[0], len(engines) > 1)
	if err != nil || len(engines) == 1 {
		return primary, err
	}
	s, err := replica.New(ctx, replica.Config{
		Primary: primary, Log: o.Log, Deadline: o.CopyTime,
		OpenSecondary: func(ctx context.Context) (hub.Database, error) { return open(ctx, c, engines[1], false) },
	})
	if err != nil {
		return nil, errors.Join(err, primary.Close())
	}
	return s, nil
}

type openDatabase func(ctx context.Context, c config.Config, engine config.Database, marks bool) (hub.Database, error)

// ErrUnfinished refuses a database that holds a part of an archive.
var ErrUnfinished = errors.New(`it holds a part of a backup that was being restored: run "a64core restore" again, with --force`)

// OpenDatabase opens the database of one engine. With marks it keeps track of what has to be copied to another. ErrUnfinished.
func OpenDatabase(ctx context.Context, c config.Config, engine config.Database, marks bool) (hub.Database, error) {
	db, err := openPart(ctx, c, engine, marks)
	if err != nil {
		return nil, err
	}
	unfinished, err := db.Unfinished(ctx)
	if err == nil && unfinished {
		err = ErrUnfinished
	}
	if err != nil {
		return nil, fmt.Errorf("open the database (%s): %w", engine, errors.Join(err, db.Close()))
	}
	return db, nil
}

// openPart is OpenDatabase for whoever is content with a part.
func openPart(ctx context.Context, c config.Config, engine config.Database, marks bool) (db hub.Database, err error) {
	switch engine {
	case config.MongoDB:
		db, err = opened(mongostore.Open(ctx, mongoConfig(c, marks)))
	case config.SQLite, config.MySQL:
		db, err = opened(sqlstore.Open(ctx, sqlConfig(c, engine, marks)))
	default:
		err = errors.New("no such engine")
	}
	if err != nil {
		return nil, fmt.Errorf("open the database (%s): %w", engine, err)
	}
	return db, nil
}

// opened turns a failed opening into no database at all, rather than one of a nil pointer.
func opened[T hub.Database](db T, err error) (hub.Database, error) {
	if err != nil {
		return nil, err
	}
	return db, nil
}

func mongoConfig(c config.Config, marks bool) mongostore.Config {
	return mongostore.Config{URL: c.MongoDBURL, Database: c.MongoDBName, Migrate: c.Migrate, Marks: marks}
}

func sqlConfig(c config.Config, engine config.Database, marks bool) sqlstore.Config {
	s := sqlstore.Config{Path: c.SQLitePath, Migrate: c.Migrate, Marks: marks}
	if engine == config.MySQL {
		s.MySQL = &sqlstore.MySQLConfig{
			Host: c.MySQLHost, Port: c.MySQLPort, User: c.MySQLUser, Password: c.MySQLPassword, Database: c.MySQLName, TLS: c.MySQLTLS,
		}
	}
	return s
}

// Migration says what migrating one database did: which version its schema had, 0 for none, and which it has.
type Migration struct {
	Engine   config.Database
	From, To int64
}

// Migrate brings the schemas of all databases that the settings name up to date.
func Migrate(ctx context.Context, c config.Config) ([]Migration, error) {
	var done []Migration
	for _, engine := range Engines(c) {
		m := Migration{Engine: engine}
		var err error
		if engine == config.MongoDB {
			var mongo mongostore.Migration
			mongo, err = mongostore.Migrate(ctx, mongoConfig(c, false))
			m.From, m.To = mongo.From, mongo.To
		} else {
			var sql sqlstore.Migration
			sql, err = sqlstore.Migrate(ctx, sqlConfig(c, engine, false))
			m.From, m.To = sql.From, sql.To
		}
		if err != nil {
			return done, fmt.Errorf("migrate the database (%s): %w", engine, err)
		}
		done = append(done, m)
	}
	return done, nil
}

// BuildIndexes builds what is missing of MongoDB's indexes, also those without which it is not opened.
func BuildIndexes(ctx context.Context, c config.Config) error {
	return mongostore.Reindex(ctx, mongoConfig(c, false))
}
