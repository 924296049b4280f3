//go:build soak

package attack_test

import (
	"math/rand/v2"
	"testing"
)

func TestSoakR28_FuzzOfEveryOperation(t *testing.T) {
	t.Parallel()
	fuzz(t, rand.Uint64(), 16, 13_000) // 208,000 requests; the seed is in every message
}
