// Command bench measures the hub as its users meet it: it builds the program, runs it as a process of its own on an empty
// SQLite file, and loads it over loopback. Speeds are printed as ratios to a floor measured in the same run on the same
// cores, since figures of different runs or machines cannot be compared.
//
//	make bench               the whole table
//	go run ./internal/bench -seconds 1 -rounds 1   a quick look
//
// The floor is a bare net/http server that verifies the same HS256 token and writes the same JSON; for logins it is
// bcrypt alone on all cores. The load generator shares the cores with what it measures.
package main
