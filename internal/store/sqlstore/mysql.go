package sqlstore

import (
	"context"
	"errors"

	"github.com/a64core/hub"
)

// MySQLConfig says where a MySQL or MariaDB database is.
type MySQLConfig struct {
	Host     string
	Port     int // 0: 3306
	User     string
	Password hub.Secret
	Database string
	TLS      string // "" or "false": none; "true": with a certificate that is verified; "preferred": if the server offers it; "skip-verify"
}

func openServer(context.Context, Config) (*Store, error) {
	return nil, errors.New("open database: MySQL is not served yet")
}

func migrateServer(context.Context, MySQLConfig) (Migration, error) {
	return Migration{}, errors.New("migrate: MySQL is not served yet")
}
