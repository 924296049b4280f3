package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/a64core/hub"
)

const (
	looks = 4
	// lookPause lets events and mails arrive that another process keeps for a moment where only it finds them.
	lookPause = 300 * time.Millisecond
	maxMarks  = 100_000 // more wait to be copied only where a comparison makes no sense yet
)

// pair is what both databases have under one key.
type pair struct{ source, target hub.Record }

func (p pair) inSource() bool { return p.source != hub.Record{} }
func (p pair) inTarget() bool { return p.target != hub.Record{} }
func (p pair) isSame() bool   { return isSame(p.source, p.target) }

// isLike reports whether both databases have the same as at another look.
func (p pair) isLike(other pair) bool {
	return isSame(p.source, other.source) && isSame(p.target, other.target)
}

// isSame reports whether two records of one kind are equal; a record that is not there is the zero one.
func isSame(a, b hub.Record) bool {
	if a == (hub.Record{}) || b == (hub.Record{}) {
		return a == b
	}
	return len(differing(a, b)) == 0
}

// examine looks at records that seemed to differ, and mends or reports those that do.
//
// Both databases may be changing. A record counts as different only if two looks find the same on each side and nothing
// was marked in between: what was written by the first look and is not marked after it, was copied before the second. All
// that does not come to rest waits to be copied.
func (c *Comparison) examine(ctx context.Context, keys []hub.RecordKey, result *Result) error {
	if c.Mend {
		return c.mend(ctx, keys, result)
	}
	before := make(map[hub.RecordKey]pair) // of what was not marked
	for look := 0; len(keys) > 0 && look < looks; look++ {
		if kind := keys[0].Kind; look > 0 && (kind == hub.RecordEvent || kind == hub.RecordMail) {
			pause(ctx, lookPause)
		}
		pairs, err := c.lookUp(ctx, keys)
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(key hub.RecordKey) bool { return pairs[key].isSame() })
		var restless []hub.RecordKey
		for _, key := range keys {
			if was, ok := before[key]; !ok || !was.isLike(pairs[key]) {
				restless = append(restless, key)
			} else if err := c.report(result, difference(key, pairs[key])); err != nil {
				return err
			}
		}
		keys = restless
		if before, err = c.unmarked(ctx, keys, pairs); err != nil {
			return err
		}
	}
	result.Pending += len(keys)
	return nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// unmarked returns the pairs that do not wait to be copied.
func (c *Comparison) unmarked(ctx context.Context, keys []hub.RecordKey, pairs map[hub.RecordKey]pair) (map[hub.RecordKey]pair, error) {
	rest := make(map[hub.RecordKey]pair, len(keys))
	if len(keys) == 0 {
		return rest, nil
	}
	marks, err := c.Source.Marks(ctx, endOfTime(), maxMarks)
	if err != nil {
		return nil, err
	}
	marked := make(map[hub.RecordKey]bool, len(marks))
	for _, m := range marks {
		marked[m.Key] = true
	}
	for _, key := range keys {
		owner, err := c.owner(ctx, key, pairs[key])
		if err != nil {
			return nil, err
		}
		if !marked[key] && !marked[hub.RecordKey{Kind: hub.RecordTombstone, ID: owner}] {
			rest[key] = pairs[key]
		}
	}
	return rest, nil
}

// owner returns the id of the user whose tombstone takes the record out of the target.
func (c *Comparison) owner(ctx context.Context, key hub.RecordKey, p pair) (string, error) {
	switch {
	case p.target.Session != nil:
		return p.target.Session.UserID, nil
	case p.target.MailToken != nil:
		return p.target.MailToken.UserID, nil
	case p.target.Mail != nil && p.target.Mail.UserID != "":
		return p.target.Mail.UserID, nil
	case p.target.Mail != nil: // a purge takes mails to the user's address too
		u, err := c.Target.UserByEmail(ctx, p.target.Mail.To)
		if errors.Is(err, hub.ErrNotFound) {
			return "", nil
		}
		return u.ID, err
	}
	return key.ID, nil
}

func (c *Comparison) lookUp(ctx context.Context, keys []hub.RecordKey) (map[hub.RecordKey]pair, error) {
	pairs := make(map[hub.RecordKey]pair, len(keys))
	source, err := c.Source.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	target, err := c.Target.Lookup(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, r := range source {
		pairs[r.Key()] = pair{source: r}
	}
	for _, r := range target {
		p := pairs[r.Key()]
		p.target = r
		pairs[r.Key()] = p
	}
	return pairs, nil
}

func difference(key hub.RecordKey, p pair) Difference {
	d := Difference{Key: key}
	switch {
	case !p.inSource():
		d.Missing = Source
	case !p.inTarget():
		d.Missing = Target
	default:
		d.Fields, d.Ahead = differing(p.source, p.target), p.target.Version() > p.source.Version()
	}
	return d
}

// report counts and tells a difference.
func (c *Comparison) report(result *Result, d Difference) error {
	result.count(d)
	if c.Found == nil {
		return nil
	}
	if err := c.Found(d); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
