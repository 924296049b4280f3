package main

import (
	"runtime"
	"testing"
)

func TestRequestsHaveThreadsBesideThoseThatHash(t *testing.T) {
	runtime.SetDefaultGOMAXPROCS()
	cores := runtime.GOMAXPROCS(0)
	t.Cleanup(runtime.SetDefaultGOMAXPROCS)
	for _, test := range []struct{ set, given, hash, threads int }{
		{cores, 0, cores, 2 * cores},
		{cores, 1, 1, cores + 1},
		{cores, cores + 3, cores + 3, 2*cores + 3},
		{cores + 5, 0, cores + 5, cores + 5}, // by GOMAXPROCS
		{cores + 5, 1, 1, cores + 5},
	} {
		runtime.GOMAXPROCS(test.set)
		if hash := separateHashes(test.given); hash != test.hash || runtime.GOMAXPROCS(0) != test.threads {
			t.Errorf("%+v: %d hash, and there are %d threads", test, hash, runtime.GOMAXPROCS(0))
		}
	}
}
