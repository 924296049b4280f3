package password

import (
	"hash/maphash"
	"sync/atomic"
)

// knownSlots is how many proofs are remembered, roughly: a newer one may take an older one's slot. They take 512 KiB.
const knownSlots = 1 << 16

// known remembers from which networks the passwords of which hashes were given rightly: so it knows the owner of an account
// from everybody else at the owner's address, until the password changes. It keeps marks only, made with a secret seed: nobody
// can choose whose slot to take. It is of one process and bounded, and forgets the least it can.
type known struct {
	seed  maphash.Seed
	slots []atomic.Uint64
}

func newKnown() *known {
	return &known{seed: maphash.MakeSeed(), slots: make([]atomic.Uint64, knownSlots)}
}

// mark returns what stands for the network and the hash, never zero.
func (k *known) mark(network, hash string) uint64 {
	return maphash.Comparable(k.seed, [2]string{network, hash}) | 1<<63
}

func (k *known) add(mark uint64) { k.slots[mark%knownSlots].Store(mark) }

func (k *known) has(mark uint64) bool { return k.slots[mark%knownSlots].Load() == mark }
