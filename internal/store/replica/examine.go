package replica

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/a64core/hub"
)

const (
	looks = 3
	// lookPause lets what is under way arrive: a primary may keep events for a moment where only it finds them.
	lookPause = 300 * time.Millisecond
	maxMarks  = 100_000 // more wait to be copied only where a comparison makes no sense yet
)

// pair is what both databases have under one key.
type pair struct{ source, target hub.Record }

func (p pair) isSame() bool {
	switch {
	case !p.inSource() && !p.inTarget():
		return true
	case !p.inSource() || !p.inTarget():
		return false
	}
	return len(differing(p.source, p.target)) == 0
}

func (p pair) inSource() bool { return p.source != hub.Record{} }
func (p pair) inTarget() bool { return p.target != hub.Record{} }

// examine looks at records that seemed to differ, and reports or mends those that do. Both databases may be changing: what
// is marked waits to be copied, and what was copied between two of our questions is the same at the next look.
func (c *Comparison) examine(ctx context.Context, keys []hub.RecordKey, result *Result) error {
	var pairs map[hub.RecordKey]pair
	for look := 0; len(keys) > 0 && look < looks; look++ {
		if look > 0 {
			pause(ctx, lookPause)
		}
		var err error
		if pairs, err = c.lookUp(ctx, keys); err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(key hub.RecordKey) bool { return pairs[key].isSame() })
		if c.Mend {
			break // which does no harm to what is under way
		}
		marked, err := c.marked(ctx)
		if err != nil {
			return err
		}
		waits := func(key hub.RecordKey) bool { return marked[key] || marked[tombstoneOf(key, pairs[key])] }
		if look == looks-1 {
			found := len(keys)
			keys = slices.DeleteFunc(keys, waits)
			result.Pending += found - len(keys)
		} else if !slices.ContainsFunc(keys, waits) && look > 0 {
			break
		}
	}
	return c.report(ctx, keys, pairs, result)
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

// tombstoneOf returns the key of the tombstone that takes a record away.
func tombstoneOf(key hub.RecordKey, p pair) hub.RecordKey {
	stone := hub.RecordKey{Kind: hub.RecordTombstone, ID: key.ID}
	switch {
	case p.target.Session != nil:
		stone.ID = p.target.Session.UserID
	case p.target.MailToken != nil:
		stone.ID = p.target.MailToken.UserID
	}
	return stone
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

// marked returns the keys that wait to be copied.
func (c *Comparison) marked(ctx context.Context) (map[hub.RecordKey]bool, error) {
	marks, err := c.Source.Marks(ctx, endOfTime(), maxMarks)
	if err != nil {
		return nil, err
	}
	keys := make(map[hub.RecordKey]bool, len(marks))
	for _, m := range marks {
		keys[m.Key] = true
	}
	return keys, nil
}

// report tells what differs, once it was mended if that is wanted.
func (c *Comparison) report(ctx context.Context, keys []hub.RecordKey, pairs map[hub.RecordKey]pair, result *Result) error {
	mended := make(map[hub.RecordKey]bool)
	if c.Mend {
		var err error
		if mended, err = c.mend(ctx, keys, pairs); err != nil {
			return err
		}
	}
	for _, key := range keys {
		result.Differ++
		p, d := pairs[key], Difference{Key: key, Mended: mended[key]}
		switch {
		case !p.inSource():
			d.Missing = Source
		case !p.inTarget():
			d.Missing = Target
		default:
			d.Fields = differing(p.source, p.target)
		}
		if d.Mended {
			result.Mended++
		}
		if c.Found != nil {
			if err := c.Found(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// mend puts and erases, and returns what is the same now.
func (c *Comparison) mend(ctx context.Context, keys []hub.RecordKey, pairs map[hub.RecordKey]pair) (map[hub.RecordKey]bool, error) {
	var (
		puts   []hub.Record
		erases []hub.RecordKey
	)
	for _, key := range keys {
		if p := pairs[key]; p.inSource() {
			puts = append(puts, p.source)
		} else if c.Erase {
			erases = append(erases, key)
		}
	}
	if len(erases) > 0 { // first: what is to be put may need an address that these have
		if err := c.Target.Erase(ctx, erases...); err != nil {
			return nil, fmt.Errorf("erase: %w", err)
		}
	}
	if err := c.put(ctx, puts); err != nil {
		return nil, err
	}
	after, err := c.lookUp(ctx, keys)
	if err != nil {
		return nil, err
	}
	same := make(map[hub.RecordKey]bool)
	for _, key := range keys {
		same[key] = after[key].isSame()
	}
	return same, nil
}

// put puts records, each by itself if they cannot be put together. What is refused stays different, and is reported.
func (c *Comparison) put(ctx context.Context, records []hub.Record) error {
	if len(records) == 0 {
		return nil
	}
	err := c.Target.Put(ctx, c.Rule, records...)
	if err == nil || isAway(err) || ctx.Err() != nil || len(records) == 1 {
		if isAway(err) || ctx.Err() != nil {
			return fmt.Errorf("put: %w", err)
		}
		return nil
	}
	half := len(records) / 2
	if err := c.put(ctx, records[:half]); err != nil {
		return err
	}
	return c.put(ctx, records[half:])
}
