package scratch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// MySQL makes an empty database on the server of the DSN. Drop drops it.
func MySQL(ctx context.Context, dsn string) (c *sqlstore.MySQLConfig, drop func() error, err error) {
	server, err := mysql.ParseDSN(dsn)
	if err != nil { // its text may repeat the password
		return nil, nil, errors.New("the DSN of MySQL cannot be read")
	}
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil || server.Net != "tcp" {
		return nil, nil, errors.New("the DSN of MySQL is not of the form user:password@tcp(host:port)/")
	}
	c = &sqlstore.MySQLConfig{Host: host, User: server.User, Password: hub.NewSecret(server.Passwd), TLS: server.TLSConfig, Database: uniqueName()}
	if c.Port, err = strconv.Atoi(port); err != nil {
		return nil, nil, fmt.Errorf("the port of MySQL: %w", err)
	}
	server.DBName = ""
	connector, err := mysql.NewConnector(server)
	if err != nil {
		return nil, nil, errors.New("the DSN of MySQL cannot be used")
	}
	db := sql.OpenDB(connector)
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+c.Database); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("create a database in MySQL: %w", err), db.Close())
	}
	return c, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		_, err := db.ExecContext(ctx, "DROP DATABASE "+c.Database)
		if err != nil {
			err = fmt.Errorf("drop %s in MySQL: %w", c.Database, err)
		}
		return errors.Join(err, db.Close())
	}, nil
}
