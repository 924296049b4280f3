package main

import (
	"runtime"
	"testing"
)

func TestRequestsHaveThreadsBesideThoseThatHash(t *testing.T) {
	runtime.SetDefaultGOMAXPROCS()
	cores := runtime.GOMAXPROCS(0)
	t.Cleanup(runtime.SetDefaultGOMAXPROCS)
	for _, test := range []struct{ given, hash int }{{0, cores}, {1, 1}, {cores + 3, cores + 3}} {
		if hash := separateHashes(test.given); hash != test.hash {
			t.Errorf("%d workers: %d hash", test.given, hash)
		}
		if threads := runtime.GOMAXPROCS(0); threads != cores+test.hash {
			t.Errorf("%d workers: %d threads on %d cores", test.given, threads, cores)
		}
	}
	t.Setenv("GOMAXPROCS", "3")
	runtime.GOMAXPROCS(3)
	if hash := separateHashes(0); hash != 3 || runtime.GOMAXPROCS(0) != 3 {
		t.Errorf("GOMAXPROCS of 3: %d hash, and %d threads", hash, runtime.GOMAXPROCS(0))
	}
}
