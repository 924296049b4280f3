//go:build !race

package replica_test

// worlds is how many worlds are lived through, each of some twenty steps with some sixty calls over the network.
const worlds = 2000
