//go:build soak

package main

import (
	"testing"
	"time"

	"github.com/a64core/hub/internal/store/testdb"
)

// The same faults for longer: make soak.

func TestSoakFLT05_MySQLIsDownForAMinute(t *testing.T) {
	t.Parallel()
	mysqlDown(t, (*testdb.Server).Stop, time.Minute)
}

func TestSoakR36_KillBetweenTheStepsOfADualWrite(t *testing.T) {
	t.Parallel()
	killRounds(t, 200)
}
