package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/a64core/hub"
)

// mend makes the target hold what the source holds under the keys, as far as it is told to, and reports what came of it.
// It does no harm to what is under way: what it overtakes, or is overtaken by, differs when it looks again.
func (c *Comparison) mend(ctx context.Context, keys []hub.RecordKey, result *Result) error {
	pairs, err := c.lookUp(ctx, keys)
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(key hub.RecordKey) bool { return pairs[key].isSame() })
	puts, err := c.erase(ctx, keys, pairs)
	if err != nil {
		return err
	}
	refused := make(map[hub.RecordKey]error)
	if err := c.put(ctx, puts, refused); err != nil {
		return err
	}
	after, err := c.lookUp(ctx, keys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !pairs[key].inSource() && after[key].inSource() && after[key].isSame() {
			continue // it was only just added to both
		}
		d := difference(key, pairs[key])
		d.Mended = after[key].isSame()
		if reason := refused[key]; reason != nil && !d.Mended {
			d.Reason = reason.Error()
		}
		if err := c.report(result, d); err != nil {
			return err
		}
	}
	return nil
}

// erase removes from the target what is in the way or should not be there, and returns what is to be put. It comes first:
// what is to be put may need an address that somebody has who is erased.
func (c *Comparison) erase(ctx context.Context, keys []hub.RecordKey, pairs map[hub.RecordKey]pair) (puts []hub.Record, err error) {
	var erases []hub.RecordKey
	for _, key := range keys {
		switch p := pairs[key]; {
		case !p.inSource():
			if c.Erase {
				erases = append(erases, key)
			}
		case p.source.Tombstone != nil && p.inTarget(): // which a database may keep as the first one was
			if c.Rule == hub.Always || p.target.Version() <= p.source.Version() {
				erases = append(erases, key)
			}
			puts = append(puts, p.source)
		default:
			puts = append(puts, p.source)
		}
	}
	if len(erases) == 0 {
		return puts, nil
	}
	if err := c.Target.Erase(ctx, erases...); err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	// What came into the source just now, and was copied before it was erased, is not marked any more.
	late, err := c.Source.Lookup(ctx, erases...)
	if err != nil {
		return nil, err
	}
	for _, r := range late {
		if !pairs[r.Key()].inSource() {
			puts = append(puts, r)
		}
	}
	return puts, nil
}

// put puts records, each by itself if they cannot be put together, and keeps why one is refused.
func (c *Comparison) put(ctx context.Context, records []hub.Record, refused map[hub.RecordKey]error) error {
	if len(records) == 0 {
		return nil
	}
	err := c.Target.Put(ctx, c.Rule, records...)
	if errors.Is(err, hub.ErrUnavailable) && ctx.Err() == nil { // such as when somebody else put one of them at this moment
		err = c.Target.Put(ctx, c.Rule, records...)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, isAway(err):
		return fmt.Errorf("put: %w", err)
	case len(records) > 1:
		half := len(records) / 2
		if err := c.put(ctx, records[:half], refused); err != nil {
			return err
		}
		return c.put(ctx, records[half:], refused)
	}
	_, err = route{c.Source, c.Target, c.Rule}.resolve(ctx, records[0], err)
	if err != nil && (ctx.Err() != nil || isAway(err)) {
		return fmt.Errorf("put: %w", err)
	}
	if err != nil {
		refused[records[0].Key()] = err
	}
	return nil
}
