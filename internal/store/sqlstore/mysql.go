package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/a64core/hub"
)

// MySQLConfig says where a MySQL or MariaDB database is, and who opens it.
type MySQLConfig struct {
	Host     string
	Port     int // 0: 3306
	User     string
	Password hub.Secret
	Database string
	TLS      string // "" or "false": none; "preferred": if the server has it; "true": with a verified certificate; "skip-verify": with any
}

const (
	dialTimeout = 2 * time.Second

	// serverPatience bounds every call of a store on a server: waiting for a connection, all statements, all repetitions.
	serverPatience = 4 * time.Second

	// recordPatience is what a call has more for each record, if it writes many. A server that is silent is found out by ioTimeout.
	recordPatience = 200 * time.Millisecond

	// ioTimeout bounds one read or write on a connection, should a deadline not be heeded.
	ioTimeout = 5 * time.Second

	// maintenanceTimeout bounds one statement of a migration or a verification, which may look at whole tables.
	maintenanceTimeout = 10 * time.Minute

	// The specification asks for 5 to 20 connections. Connections above five leave when they have had nothing to do for a
	// while rather than at once, or a steady load would connect anew for every other call.
	maxServerConns = 20
	connLifetime   = 10 * time.Minute
	connIdleTime   = 2 * time.Minute
)

// place names the database for people.
func (c *MySQLConfig) place() string { return c.address() + "/" + c.Database }

func (c *MySQLConfig) address() string {
	port := c.Port
	if port == 0 {
		port = 3306
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(port))
}

// mysqlDialect returns the dialect that MySQL and MariaDB share.
func mysqlDialect() *dialect {
	return &dialect{
		engine:           "mysql",
		about:            aboutMySQL,
		tables:           "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
		versionTable:     mysqlVersionTable,
		lockRows:         " FOR UPDATE",
		deleteSome:       "DELETE FROM %[1]s WHERE %[3]s LIMIT ?",
		snapshot:         sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		useIndex:         "FORCE INDEX (%s)",
		patience:         serverPatience,
		conceal:          concealMySQL,
		isUnavailable:    isMySQLUnavailable,
		isDuplicate:      func(err error) bool { return mysqlNumber(err) == mysqlDuplicate },
		isDuplicateEmail: isMySQLDuplicateEmail,
		isOrphan:         func(err error) bool { return mysqlNumber(err) == mysqlOrphan },
	}
}

// openMySQL returns a pool of connections to the server, on which one read or write takes no longer than timeout. It
// connects when it is used. The version is that of the server, its zero value if it is not known yet.
func openMySQL(c *MySQLConfig, version serverVersion, timeout time.Duration) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.Net, config.Addr = "tcp", c.address()
	config.User, config.Passwd, config.DBName = c.User, c.Password.Reveal(), c.Database
	config.TLSConfig = c.TLS
	config.Timeout, config.ReadTimeout, config.WriteTimeout = dialTimeout, timeout, timeout
	config.ConnectionAttributes = "program_name:a64core"
	config.Logger = &mysql.NopLogger{} // what it would log is in the errors
	config.ClientFoundRows = true      // an update that finds its row as it should be has succeeded
	config.ParseTime = true
	config.InterpolateParams = true // a statement that was not prepared is one round trip; safe with the driver's charset, utf8mb4
	config.Params = map[string]string{
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'", // nothing is cut silently; the zero time is one
		"time_zone":                "'+00:00'",
		"innodb_lock_wait_timeout": "2",                                  // so that a repetition fits into the patience
		"lock_wait_timeout":        strconv.Itoa(int(timeout.Seconds())), // for tables; nobody reads the answer after that
		"lc_messages":              "'en_US'",
	}
	if name := version.isolationVariable(); name != "" {
		config.Params[name] = "'READ-COMMITTED'"
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errors.New("open database: the settings for the MySQL server cannot be used: check host, database name and TLS")
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(maxServerConns)
	db.SetMaxIdleConns(maxServerConns)
	db.SetConnMaxLifetime(connLifetime)
	db.SetConnMaxIdleTime(connIdleTime)
	return db, nil
}

// openServer opens a database on a server.
func openServer(ctx context.Context, c Config) (*Store, error) {
	d := mysqlDialect()
	version, roundTrip, err := checkServer(ctx, c.MySQL)
	if err != nil {
		return nil, d.wrap("open database", err)
	}
	db, err := openMySQL(c.MySQL, version, ioTimeout)
	if err != nil {
		return nil, err
	}
	server := *c.MySQL
	return &Store{place: server.place(), server: &server, dialect: d, writer: newServerWriter(db, transactionsFor(roundTrip)), readers: db}, nil
}

// checkServer refuses a database that this program cannot serve from, and tells how far away it is.
func checkServer(ctx context.Context, c *MySQLConfig) (version serverVersion, roundTrip time.Duration, err error) {
	err = probeServer(ctx, c, func(ctx context.Context, db *sql.DB, v serverVersion) error {
		version = v
		return errors.Join(checkMySQLSchema(ctx, db), measureRoundTrip(ctx, db, &roundTrip))
	})
	return version, roundTrip, err
}

// measureRoundTrip sets how long the server takes for a statement that does nothing: the least of a few, since whatever else it
// does only adds.
func measureRoundTrip(ctx context.Context, db *sql.DB, least *time.Duration) error {
	for i := range 5 {
		began := time.Now()
		if _, err := db.ExecContext(ctx, "DO 0"); err != nil {
			return err
		}
		if took := time.Since(began); i == 0 || took < *least {
			*least = took
		}
	}
	return nil
}

// probeServer connects to the server, refuses one that is too old, and has look look at the database. It takes no longer
// than any call.
func probeServer(ctx context.Context, c *MySQLConfig, look func(context.Context, *sql.DB, serverVersion) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, serverPatience)
	defer cancel()
	db, err := openMySQL(c, serverVersion{}, ioTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var text string
	if err := db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&text); err != nil {
		return explainConnect(err)
	}
	version, err := parseServerVersion(text)
	if err != nil {
		return err
	}
	if err := version.check(); err != nil {
		return err
	}
	return look(ctx, db, version)
}

// serverVersion tells servers apart.
type serverVersion struct {
	isMariaDB           bool
	major, minor, patch int
}

// parseServerVersion reads what servers say of themselves, such as "8.4.3" or "10.11.6-MariaDB-log".
func parseServerVersion(text string) (serverVersion, error) {
	v := serverVersion{isMariaDB: strings.Contains(strings.ToLower(text), "mariadb")}
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &v.major, &v.minor, &v.patch); err != nil {
		return serverVersion{}, errors.New("the server does not say which version it is")
	}
	return v, nil
}

// check refuses a server that is too old: without a binary collation that does not pad, or without CHECK.
func (v serverVersion) check() error {
	least := serverVersion{major: 8, patch: 17}
	if v.isMariaDB {
		least = serverVersion{major: 10, minor: 5}
	}
	if v.number() < least.number() {
		return fmt.Errorf("the server's version %d.%d.%d is too old: MySQL 8.0.17 or MariaDB 10.5 is needed", v.major, v.minor, v.patch)
	}
	return nil
}

func (v serverVersion) number() int { return (v.major*1000+v.minor)*1000 + v.patch }

// isolationVariable returns the variable for the isolation of transactions. MariaDB has MySQL's name for it since 11.1 only.
func (v serverVersion) isolationVariable() string {
	switch {
	case v.major == 0:
		return ""
	case v.isMariaDB && v.number() < (serverVersion{major: 11, minor: 1, patch: 1}).number():
		return "tx_isolation"
	default:
		return "transaction_isolation"
	}
}

// collation returns the collation that compares texts code point by code point and does not pad them.
func (v serverVersion) collation() string {
	if v.isMariaDB {
		return "utf8mb4_nopad_bin"
	}
	return "utf8mb4_0900_bin"
}
