package ratelimit

import (
	"context"
	"hash/maphash"
	"sync"
	"time"
)

const (
	// DefaultKeys is how many keys a Memory tells apart unless told otherwise. A key takes about 250 bytes, so that many
	// take 25 MB.
	DefaultKeys = 100_000

	shards    = 64
	overflows = 16 // windows of a shard for the keys that have no room
	sweepStep = 8  // windows looked at for each new key
)

// Memory is a limiter of one process. Its memory is bounded: while it holds as many keys as it may, all of them in use,
// new keys share a fixed set of windows. So a flood of keys neither makes anybody's window forgotten nor buys anybody a
// fresh one; it only makes strangers that arrive during the flood share their limit. Keys are told apart by a hash of 64
// bits with a secret seed: two of 100,000 keys share a window once in a billion floods, and nobody can choose which.
type Memory struct {
	seed   maphash.Seed
	epoch  time.Time
	shards [shards]shard
}

// shard holds the windows of some of the keys. Nothing in these points anywhere, so that the garbage collector passes them by.
type shard struct {
	mu       sync.Mutex
	index    map[uint64]int32 // place in windows by key
	windows  []keyedWindow
	max      int
	hand     int                // the next window to be looked at for being idle
	overflow *[overflows]window // nil until there is need for it, which is seldom
}

type keyedWindow struct {
	key uint64
	window
}

// NewMemory returns a limiter that tells apart maxKeys keys, rounded up to a multiple of 64; zero or less: DefaultKeys.
func NewMemory(maxKeys int) *Memory {
	if maxKeys <= 0 {
		maxKeys = DefaultKeys
	}
	m := &Memory{seed: maphash.MakeSeed(), epoch: time.Now()}
	for i := range m.shards {
		m.shards[i].index = make(map[uint64]int32)
		m.shards[i].max = (maxKeys + shards - 1) / shards
	}
	return m
}

// Take implements [Limiter]. It never fails.
func (m *Memory) Take(_ context.Context, key string, limit int, now time.Time) (Decision, error) {
	if limit <= 0 {
		return Decision{Allowed: true, Limit: limit}, nil
	}
	hash := maphash.String(m.seed, key)
	s := &m.shards[hash%shards]
	at := int64(now.Sub(m.epoch)) // by the monotonic clock if now has a reading of it
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window(hash, at).take(at, limit), nil
}

// GiveBack forgets the latest admission of the key: what was admitted here was refused elsewhere.
func (m *Memory) GiveBack(key string) {
	hash := maphash.String(m.seed, key)
	s := &m.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.index[hash]; ok {
		s.windows[i].giveBack()
		return
	}
	if s.overflow != nil {
		s.shared(hash).giveBack()
	}
}

// window returns the window that the key counts in.
func (s *shard) window(key uint64, now int64) *window {
	if i, ok := s.index[key]; ok {
		return &s.windows[i].window
	}
	// Who was counted in a shared window goes on there until it is idle: to leave it would be to start afresh.
	if s.overflow != nil && !s.shared(key).isIdle(now) {
		return s.shared(key)
	}
	s.sweep(now)
	if len(s.windows) >= s.max {
		return s.shared(key)
	}
	s.index[key] = int32(len(s.windows))
	s.windows = append(s.windows, keyedWindow{key: key})
	return &s.windows[len(s.windows)-1].window
}

// shared returns the window that the key shares with others if it has no room of its own.
func (s *shard) shared(key uint64) *window {
	if s.overflow == nil {
		s.overflow = new([overflows]window)
	}
	return &s.overflow[key/shards%overflows]
}

// sweep drops some idle windows.
func (s *shard) sweep(now int64) {
	for range min(sweepStep, len(s.windows)) {
		if s.hand >= len(s.windows) {
			s.hand = 0
		}
		if !s.windows[s.hand].isIdle(now) {
			s.hand++
			continue
		}
		delete(s.index, s.windows[s.hand].key)
		last := len(s.windows) - 1
		if s.hand != last {
			s.windows[s.hand] = s.windows[last]
			s.index[s.windows[s.hand].key] = int32(s.hand)
		}
		s.windows = s.windows[:last]
		if last == 0 {
			return
		}
	}
}
