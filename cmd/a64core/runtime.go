package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// relaxCollector has garbage collected when there is four times as much of it as of what is in use, unless GOGC is set to
// another value than its default: the hub keeps so little in memory that it would collect dozens of times a second, for the price of some megabytes.
func relaxCollector() {
	const usual, relaxed = 100, 400
	if before := debug.SetGCPercent(relaxed); before != usual {
		debug.SetGCPercent(before)
	}
}

// separateHashes lets Go run as many threads beside those that hash as it would run without any, unless GOMAXPROCS is set, and
// returns how many hash: the number given, or one for each core if that is 0. Go takes a thread from one goroutine for another
// only after 10 ms (forcePreemptNS of its scheduler), and a hash computes for hundreds: requests would wait that long for
// their turn, while the operating system gives a core at once to a thread that has waited for the network.
func separateHashes(workers int) int {
	before := runtime.GOMAXPROCS(0)
	runtime.SetDefaultGOMAXPROCS() // one for each core, or what a container may use
	cores := runtime.GOMAXPROCS(0)
	if before != cores {
		runtime.GOMAXPROCS(before)
		return cmp.Or(workers, before)
	}
	workers = cmp.Or(workers, cores)
	runtime.GOMAXPROCS(cores + workers)
	return workers
}
