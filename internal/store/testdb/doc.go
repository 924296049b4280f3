// Package testdb gives tests real database servers: a database of the test's own on the servers that the environment
// names, servers of the test's own that it may kill and freeze, and a proxy that breaks connections.
//
// Servers that run already and that tests share:
//
//	A64_TEST_MYSQL_DSN     MySQL or MariaDB, as go-sql-driver/mysql writes it; its user may create databases
//	A64_TEST_MONGODB_URL   MongoDB
//	A64_TEST_REDIS_URL     Redis
//
// Programs that StartMySQL, StartMongoDB and StartRedis run, if they are not where such programs are:
//
//	A64_TEST_MYSQLD        mariadbd or mysqld
//	A64_TEST_MONGOD        mongod
//	A64_TEST_REDIS_SERVER  redis-server
//
// What tests of the whole hub keep its data in:
//
//	A64_TEST_DATABASE      as the setting DATABASE: sqlite, mongodb, mysql or dual
//
// Tests skip what is absent, unless
//
//	A64_TEST_REQUIRE       names it, of mysql (server and program), mongodb, mongod (the program), redis and what
//	                       Program is asked for, separated by commas: then they fail
//
// make test starts what is not named and can be had.
package testdb
