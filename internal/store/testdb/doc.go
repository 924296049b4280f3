// Package testdb gives tests real database servers: a database of the test's own on the servers that the environment
// names, servers that a test may kill and freeze, and a proxy that breaks connections.
//
//	A64_TEST_MYSQL_DSN     MySQL or MariaDB, as go-sql-driver/mysql writes it; its user may create databases
//	A64_TEST_MONGODB_URL   MongoDB
//	A64_TEST_REDIS_URL     Redis
//	A64_TEST_REQUIRE       which of mysql, mongodb, redis must be there, separated by commas: absence fails the test
//
// make test starts what is not named and can be had.
package testdb
