//go:build soak

package main

import (
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// The tests of the same faults, as long as issue 3 wants them.

func TestSoakFLT05_MySQLIsDownForAMinute(t *testing.T) {
	t.Parallel()
	mysqlDown(t, (*testdb.Server).Stop, time.Minute)
}

func TestSoakR36_KillBetweenTheStepsOfADualWrite(t *testing.T) {
	t.Parallel()
	killRounds(t, 200)
}
