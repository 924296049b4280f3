// Command bench measures the hub as its users meet it: it builds the program, runs it as processes of its own on empty
// databases, and loads it over loopback. Speeds are printed as ratios to a floor, or to another database mode, measured in
// the same run on the same cores, since figures of different runs or machines cannot be compared. Whatever is compared
// takes turns, in many short rounds, so that whatever else the machine does meets all of it; medians of the rounds count.
//
//	make bench                          the whole table
//	go run ./internal/bench -rounds 1   a quick look
//	go run ./internal/bench -json -only me,refresh
//	go run ./internal/bench -modes mongodb,dual -only refresh,patch
//	go run ./internal/bench -modes dual -only verify -users 1000000
//	go run ./internal/bench -modes sqlite -only growth -growth 1000000
//
// The floor is a bare net/http server that verifies the same HS256 token and writes the same JSON; for whatever hashes it is
// bcrypt alone on all cores. The load generator shares the cores with what it measures.
//
// A ratio says how many times better the hub is, so that above 1 is good whatever was compared. A run prints how ratios have
// changed since docs/performance.json, which -save writes; where one fell by more than a tenth it says so. That file is also
// what -picture draws.
//
// With -peers the hub on SQLite is compared with PocketBase and Ory Kratos too, and with -only peers, which is make bench-peers,
// nothing else is measured. Each has one file for a database, no limits, and bcrypt at cost 12. They are built from their Go
// modules, Kratos with cgo, and kept in the user's cache.
//
// The modes mongodb, mysql and dual need servers, which A64_BENCH_MONGODB_URL and A64_BENCH_MYSQL_DSN name, or else
// A64_TEST_MONGODB_URL and A64_TEST_MYSQL_DSN. On them the benchmark makes databases of its own and drops them. Three
// instances behind nginx, in the last of the modes, need nginx in the PATH and A64_BENCH_REDIS_URL, or else
// A64_TEST_REDIS_URL.
package main
