package sqlstore

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/a64core/hub"
)

// Numbers of errors, by https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html and
// https://mariadb.com/kb/en/mariadb-error-code-reference/.
const (
	mysqlDatabaseDenied  = 1044
	mysqlAccessDenied    = 1045
	mysqlUnknownDatabase = 1049
	mysqlDuplicate       = 1062
	mysqlNoPassword      = 1698
	mysqlOrphan          = 1452

	mysqlRecordChanged = 1020 // MariaDB: a row changed since the snapshot
	mysqlLockWait      = 1205
	mysqlDeadlock      = 1213
	mysqlGroupRollback = 3101 // of group replication: another member's change came first
)

// mysqlError is an error of the server without its text, which repeats values.
type mysqlError struct {
	number uint16
	state  string
}

// Error implements error.
func (e *mysqlError) Error() string { return fmt.Sprintf("MySQL error %d (%s)", e.number, e.state) }

// concealMySQL takes an error's text away if the server wrote it.
func concealMySQL(err error) error {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		return err
	}
	concealed := &mysqlError{e.Number, string(e.SQLState[:])}
	if errors.Is(err, hub.ErrUnavailable) {
		return fmt.Errorf("%w: %w", hub.ErrUnavailable, concealed)
	}
	return concealed
}

// mysqlNumber returns the number of an error of the server, 0 of any other.
func mysqlNumber(err error) uint16 {
	var whole *mysql.MySQLError
	if errors.As(err, &whole) {
		return whole.Number
	}
	var concealed *mysqlError
	if errors.As(err, &concealed) {
		return concealed.number
	}
	return 0
}

// isMySQLDuplicateEmail goes by the name of the index, with which the text ends in English, whatever the value before it is.
// MySQL puts the table's name in front of it.
func isMySQLDuplicateEmail(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && e.Number == mysqlDuplicate &&
		(strings.HasSuffix(e.Message, " 'users_email'") || strings.HasSuffix(e.Message, " 'users.users_email'"))
}

// isMySQLRepeatable reports whether the server rolled back, or has to, because of what others did at the same time.
func isMySQLRepeatable(err error) bool {
	switch mysqlNumber(err) {
	case mysqlRecordChanged, mysqlLockWait, mysqlDeadlock, mysqlGroupRollback:
		return true
	}
	return false
}

func isMySQLUnavailable(err error) bool {
	if isMySQLRepeatable(err) || isConnectionLost(err) {
		return true
	}
	switch mysqlNumber(err) {
	case 3, 1021, 1026, 1030, 1037, 1038, 1041, 1114, 1135, 1180, // no space, no memory, no threads
		1290, 1792, 1836, 3032, 3168, // read only, offline
		1040, 1129, 1203, 1226, // too many connections
		1047, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, // shutting down, apart from its cluster, interrupted reads and writes
		1317, 1927, 1969, 3024, 4031: // killed, out of time, idle for too long
		return true
	}
	return false
}

// isConnectionLost reports whether the server cannot be reached, or could not be understood any more.
func isConnectionLost(err error) bool {
	var network net.Error
	for _, lost := range []error{driver.ErrBadConn, mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrBusyBuffer, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return errors.As(err, &network)
}

// explainConnect says what to do about a refusal to connect.
func explainConnect(err error) error {
	switch mysqlNumber(err) {
	case mysqlAccessDenied, mysqlNoPassword:
		return fmt.Errorf("the server refuses the user or the password: check MYSQL_USER and MYSQL_PASSWORD: %w", concealMySQL(err))
	case mysqlDatabaseDenied:
		return fmt.Errorf("the user may not use the database: grant it all privileges on it, or check MYSQL_DATABASE: %w", concealMySQL(err))
	case mysqlUnknownDatabase:
		return fmt.Errorf("there is no such database: migrate, create it, or check MYSQL_DATABASE: %w", concealMySQL(err))
	}
	return err
}
