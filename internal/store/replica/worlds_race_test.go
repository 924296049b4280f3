//go:build race

package replica_test

// worlds is lower where the race detector makes each ten times as slow; the other build sees thousands.
const worlds = 60
