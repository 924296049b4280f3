package mongostore

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

const (
	maxRecent = 1 << 14
	// freshness is how far an id's own time may be from ours for the id to count as just made.
	freshness = time.Minute
)

var errStoredAlready = errors.New("an event or mail with its id is stored already")

// recentIDs are the ids of the events and mails that this process gave to the database lately, to refuse one that is
// given twice.
//
// A step must not be done whose event or mail has an id that is taken: the outbox would find "its" event stored and
// drop the real one. The only certain check is a unique index, which costs a round trip before each step. But ids are
// ours: UUIDs of version 7, which carry the time they were made and 74 random bits. One that was made within the last
// minute can be in the database only if somebody gave it twice within that minute, and that somebody is this process.
// An id of another form, or an older one, is looked up.
type recentIDs struct {
	mu   sync.Mutex
	has  map[string]bool
	ring []string
	next int
}

func newRecentIDs() *recentIDs {
	return &recentIDs{has: make(map[string]bool), ring: make([]string, maxRecent)}
}

// reserve remembers the ids, or none of them if one is known.
func (r *recentIDs) reserve(ids []string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, id := range ids {
		if r.has[id] {
			r.forget(ids[:i])
			return false
		}
		r.has[id] = true
	}
	for _, id := range ids {
		delete(r.has, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % len(r.ring)
	}
	return true
}

// release forgets ids whose step was not done.
func (r *recentIDs) release(ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(ids)
}

func (r *recentIDs) forget(ids []string) {
	for _, id := range ids {
		delete(r.has, id)
	}
}

// reserve refuses ids of events and mails that are taken.
func (s *Store) reserve(ctx context.Context, ids []string) error {
	if !s.recent.reserve(ids) {
		return errStoredAlready
	}
	var old bson.A
	now := time.Now()
	for _, id := range ids {
		if !isFresh(id, now) {
			old = append(old, id)
		}
	}
	if len(old) == 0 {
		return nil
	}
	err := s.refuseStored(ctx, old)
	if err != nil {
		s.recent.release(ids)
	}
	return err
}

func (s *Store) refuseStored(ctx context.Context, ids bson.A) error {
	for _, in := range []shelf{s.events, s.mails} {
		err := s.do(ctx, "look for ids", func(ctx context.Context) error {
			return in.FindOne(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
		})
		switch {
		case err == nil:
			return errStoredAlready
		case !errors.Is(err, hub.ErrNotFound):
			return err
		}
	}
	return nil
}

// isFresh reports whether the id is one that hub.NewID made just now.
func isFresh(id string, now time.Time) bool {
	if !hub.IsID(id) || id[14] != '7' {
		return false
	}
	var bytes [8]byte
	if _, err := hex.Decode(bytes[2:], []byte(strings.ReplaceAll(id[:13], "-", ""))); err != nil {
		return false
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(bytes[:])))
	return made.Sub(now).Abs() < freshness
}
