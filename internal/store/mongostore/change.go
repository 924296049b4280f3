package mongostore

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
)

// change is one step: one write to one document, with what else belongs to the step in the document's outbox.
type change struct {
	what string // for errors
	in   shelf
	id   string

	isNew  bool   // insert the document; otherwise it must match filter
	filter bson.D // besides the id, or instead of it if byFilter
	// byFilter says that filter alone finds the document.
	byFilter bool

	set   bson.D
	inc   bson.D
	unset bson.D
	push  bson.D // besides the outbox

	unmarked bool // even if the store keeps marks

	out   []entry
	ids   []string // of an event or mail that is the document itself
	taken error    // what it means that a document with the id is there
}

// apply makes the change. When it returns nil, the change is durable and so is everything in its outbox; what a caller
// may want to read back at once is carried out, and the flusher has the rest. ErrConflict if the document does not match.
func (s *Store) apply(ctx context.Context, c change) error {
	if err := ctx.Err(); err != nil {
		return wrap(ctx, c.what, err)
	}
	ids := append(recordIDs(c.out), c.ids...)
	if err := s.reserve(ctx, ids); err != nil {
		return fmt.Errorf("%s: %w", c.what, err)
	}
	if err := s.seal(c.out); err != nil {
		return fmt.Errorf("%s: %w", c.what, err)
	}
	if err := s.do(ctx, c.what, func(ctx context.Context) error { return s.write(ctx, c) }); err != nil {
		s.recent.release(ids)
		return err
	}
	return s.follow(ctx, c)
}

func (s *Store) write(ctx context.Context, c change) error {
	now := time.Now()
	if c.isNew {
		document := c.set
		if len(c.out) > 0 {
			document = append(document, bson.E{Key: "outbox", Value: c.out}, bson.E{Key: "outboxSince", Value: at(now)})
		}
		if s.marks && !c.unmarked {
			document = append(document, bson.E{Key: "pendingSince", Value: at(now)})
		}
		_, err := c.in.InsertOne(ctx, document)
		if c.taken != nil && isDuplicate(err) {
			return c.taken
		}
		return err
	}
	filter := c.filter
	if !c.byFilter {
		filter = append(bson.D{{Key: c.in.key, Value: text(c.id)}}, filter...)
	}
	result, err := c.in.UpdateOne(ctx, filter, c.update(now, s.marks && !c.unmarked))
	if err == nil && result.MatchedCount == 0 {
		return hub.ErrConflict
	}
	return err
}

// update returns the operators of the change. The earliest of several marks counts, and of several entries' flags.
func (c *change) update(now time.Time, marks bool) bson.D {
	var update, since bson.D
	push := c.push
	if len(c.out) > 0 {
		push = append(push, bson.E{Key: "outbox", Value: bson.D{{Key: "$each", Value: c.out}}})
		since = append(since, bson.E{Key: "outboxSince", Value: at(now)})
	}
	if marks {
		since = append(since, bson.E{Key: "pendingSince", Value: at(now)})
	}
	for _, operator := range []bson.E{
		{Key: "$set", Value: c.set}, {Key: "$inc", Value: c.inc}, {Key: "$unset", Value: c.unset}, {Key: "$push", Value: push}, {Key: "$min", Value: since},
	} {
		if len(operator.Value.(bson.D)) > 0 {
			update = append(update, operator)
		}
	}
	return update
}

// follow carries out what must be seen when the caller's method returns, and hands over the rest. It does so for a caller
// who has left too: the step is done.
func (s *Store) follow(ctx context.Context, c change) error {
	if len(c.out) == 0 {
		return nil
	}
	d := delivery{in: c.in, id: c.id, entries: c.out}
	for i := range d.entries {
		e := &d.entries[i]
		if e.isRecord() {
			continue
		}
		err := s.do(context.WithoutCancel(ctx), c.what, func(ctx context.Context) error { return s.carryOut(ctx, e) })
		if err != nil {
			s.flusher.take(d)
			return err
		}
		e.done = true
	}
	s.flusher.take(d)
	return nil
}

// versionIs is the condition that a document has the version that was read. Documents of the original system have none.
func versionIs(version int64) bson.E {
	if version == 0 {
		return bson.E{Key: "version", Value: nil}
	}
	return bson.E{Key: "version", Value: version}
}
