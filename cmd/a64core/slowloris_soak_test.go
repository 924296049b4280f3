//go:build soak

package main

import "testing"

func TestSoakHTT07_SlowClientsAreCutOffAndStarveNobody(t *testing.T) {
	slowloris(t, 5000)
}
