package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
	"github.com/a64core/hub/internal/store/scratch"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// The database modes.
const (
	sqlite  = "sqlite"
	mongodb = "mongodb"
	mysql   = "mysql"
	dual    = "dual"
)

func allModes() []string { return []string{sqlite, mongodb, mysql, dual} }

// servers says where databases can be made.
type servers struct{ mongoURL, mysqlDSN, redisURL string }

func serversFromEnvironment() servers {
	named := func(name string) string { return cmp.Or(os.Getenv("A64_BENCH_"+name), os.Getenv("A64_TEST_"+name)) }
	return servers{named("MONGODB_URL"), named("MYSQL_DSN"), named("REDIS_URL")}
}

// lacks names the setting without which a mode cannot be measured, or returns "".
func (s servers) lacks(mode string) string {
	switch {
	case s.mongoURL == "" && (mode == mongodb || mode == dual):
		return "A64_BENCH_MONGODB_URL"
	case s.mysqlDSN == "" && (mode == mysql || mode == dual):
		return "A64_BENCH_MYSQL_DSN"
	}
	return ""
}

// database is what a hub in one mode keeps its data in, empty and for nobody else.
type database struct {
	mode      string
	dir       string
	mongoURL  string
	mongoName string
	mysql     *sqlstore.MySQLConfig
	drops     []func() error
}

func (s servers) newDatabase(ctx context.Context, mode, parent string) (d *database, err error) {
	d = &database{mode: mode}
	if d.dir, err = os.MkdirTemp(parent, mode+"-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if mode == mongodb || mode == dual {
		name, drop, err := scratch.MongoDB(s.mongoURL)
		if err != nil {
			return nil, err
		}
		d.mongoURL, d.mongoName, d.drops = s.mongoURL, name, append(d.drops, drop)
	}
	if mode == mysql || mode == dual {
		config, drop, err := scratch.MySQL(ctx, s.mysqlDSN)
		if err != nil {
			return nil, errors.Join(err, d.drop())
		}
		d.mysql, d.drops = config, append(d.drops, drop)
	}
	return d, nil
}

// drop drops what is on servers.
func (d *database) drop() error {
	var errs []error
	for _, drop := range d.drops {
		errs = append(errs, drop())
	}
	return errors.Join(errs...)
}

// environment returns the settings of a hub with this database.
func (d *database) environment() []string {
	settings := []string{"DATABASE=" + d.mode, "DATA_DIR=" + d.dir}
	if d.mongoURL != "" {
		settings = append(settings, "MONGODB_URL="+d.mongoURL, "MONGODB_DB_NAME="+d.mongoName)
	}
	if c := d.mysql; c != nil {
		settings = append(settings, "MYSQL_HOST="+c.Host, "MYSQL_PORT="+strconv.Itoa(c.Port), "MYSQL_USER="+c.User,
			"MYSQL_PASSWORD="+c.Password.Reveal(), "MYSQL_DB_NAME="+c.Database, "MYSQL_TLS="+cmp.Or(c.TLS, "false"))
	}
	return settings
}

// open opens the database that decides.
func (d *database) open(ctx context.Context, marks bool) (hub.Database, error) {
	if d.mongoURL != "" {
		return mongostore.Open(ctx, mongostore.Config{URL: hub.NewSecret(d.mongoURL), Database: d.mongoName, Migrate: true, Marks: marks})
	}
	return sqlstore.Open(ctx, sqlstore.Config{Path: filepath.Join(d.dir, "a64core.db"), MySQL: d.mysql, Migrate: true, Marks: marks})
}

// product returns the name and version of what decides.
func (d *database) product(ctx context.Context) (name string, err error) {
	db, err := d.open(ctx, d.mode == dual)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	about, err := db.About(ctx)
	return about.Product, err
}

// openSecondary opens the other one.
func (d *database) openSecondary(ctx context.Context) (hub.Database, error) {
	return sqlstore.Open(ctx, sqlstore.Config{MySQL: d.mysql, Migrate: true})
}
