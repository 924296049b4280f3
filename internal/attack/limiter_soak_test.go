//go:build soak

package attack_test

import "testing"

func TestSoakR18_AFloodOfAddressesIsBounded(t *testing.T) { floodOfAddresses(t, 100_000) }
