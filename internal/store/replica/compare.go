package replica

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/a64core/hub"
)

// bucketSize is how many records are read, and compared by one digest, at a time.
const bucketSize = 1000

// expiryMargin leaves out of a comparison what may be swept on one side while it runs.
const expiryMargin = time.Hour

// Comparison compares two databases, bucket by bucket: a run of records of one kind, in the order of their ids. Buckets
// whose digests differ are read again, record by record, and what still differs and does not merely wait to be copied is
// reported or mended. Both databases may be in use.
type Comparison struct {
	Source hub.Database // what it holds is right
	Target hub.Database
	Kinds  []hub.RecordKind
	Keep   hub.Retention
	// Live leaves out what has expired by then, since each side sweeps by itself. Zero means an hour from now, or now if
	// it mends: what lives for less than an hour has to be copied too.
	Live time.Time

	// Mend makes the target hold what the source holds.
	Mend bool
	// Rule says what is mended. Under hub.UnlessOlder a record whose version is higher in the target is reported and left.
	Rule hub.PutRule
	// Erase also removes from the target what the source does not have.
	Erase bool

	// Progress, if set, is told how many records of a kind were compared, of about how many. Found, if set, is told each
	// difference; an error from it ends the comparison.
	Progress func(kind hub.RecordKind, done, total int)
	Found    func(Difference) error
}

// Difference is a record that is not the same in both databases.
type Difference struct {
	Key     hub.RecordKey
	Missing Side     // where the record is not at all; empty if it is in both
	Fields  []string // in which it differs, if it is in both, named as the API names them
	Ahead   bool     // its version is higher in the target
	Mended  bool
	Reason  string // why it could not be mended, if the target has refused it
}

// Side names one of the databases.
type Side string

// The sides.
const (
	Source Side = "source"
	Target Side = "target"
)

// Result counts what was compared.
type Result struct {
	Compared map[hub.RecordKind]int // records of the source
	Pending  int                    // differences that only wait to be copied, or are under way
	Differ   int                    // all others
	Extra    int                    // of those: not in the source
	Ahead    int                    // of those: with a higher version in the target
	Mended   int                    // of those that differ
	Removed  int                    // of the mended: erased, as they were not in the source
}

// Clean reports whether nothing differs that was not mended.
func (r Result) Clean() bool { return r.Differ == r.Mended }

func (r *Result) count(d Difference) {
	r.Differ++
	if d.Missing == Source {
		r.Extra++
	}
	if d.Ahead {
		r.Ahead++
	}
	if d.Mended {
		r.Mended++
		if d.Missing == Source {
			r.Removed++
		}
	}
}

// bucket is a run of records of one kind with ids in (after, upTo]; upTo is empty in the last.
type bucket struct {
	kind        hub.RecordKind
	after, upTo string
	records     []hub.Record
	digest      digest
}

// Run compares.
func (c *Comparison) Run(ctx context.Context) (Result, error) {
	result := Result{Compared: make(map[hub.RecordKind]int)}
	if c.Live.IsZero() {
		c.Live = now()
		if !c.Mend {
			c.Live = c.Live.Add(expiryMargin)
		}
	}
	for _, kind := range c.Kinds {
		if err := c.compareKind(ctx, kind, &result); err != nil {
			return result, fmt.Errorf("compare records of the kind %s: %w", kind, err)
		}
	}
	return result, nil
}

func (c *Comparison) compareKind(ctx context.Context, kind hub.RecordKind, result *Result) error {
	total, err := c.Source.Count(ctx, kind)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	buckets := make(chan bucket, 1) // the next is read while one is compared
	group.Go(func() error {
		defer close(buckets)
		return c.readSource(ctx, kind, buckets)
	})
	group.Go(func() error {
		done := 0
		for b := range buckets {
			if err := c.compareBucket(ctx, b, result); err != nil {
				return err
			}
			done += len(b.records)
			if c.Progress != nil {
				c.Progress(kind, done, max(done, total))
			}
		}
		result.Compared[kind] = done
		return nil
	})
	return group.Wait()
}

// readSource sends the source's buckets, which cover all ids, and ends with one that has no end.
func (c *Comparison) readSource(ctx context.Context, kind hub.RecordKind, buckets chan<- bucket) error {
	for after := ""; ; {
		records, err := c.Source.Scan(ctx, hub.ScanQuery{Kind: kind, After: after, Limit: bucketSize, Live: c.Live, Keep: c.Keep})
		if err != nil {
			return err
		}
		b := bucket{kind: kind, after: after, records: records, digest: digestOf(records)}
		if len(records) == bucketSize {
			b.upTo = records[bucketSize-1].Key().ID
		}
		select {
		case buckets <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
		if after = b.upTo; after == "" {
			return nil
		}
	}
}

func (c *Comparison) compareBucket(ctx context.Context, b bucket, result *Result) error {
	q := hub.ScanQuery{Kind: b.kind, After: b.after, UpTo: b.upTo, Limit: 2 * bucketSize, Live: c.Live, Keep: c.Keep}
	for {
		records, err := c.Target.Scan(ctx, q)
		if err != nil {
			return err
		}
		source, last := b.records, len(records) < q.Limit
		if !last { // more than expected: the rest of the bucket stands against the rest
			q.After = records[len(records)-1].Key().ID
			source = upTo(&b, q.After)
		}
		if len(source) != len(b.records) || digestOf(records) != b.digest {
			if err := c.examine(ctx, candidates(source, records), result); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// upTo cuts the records with ids up to id off the bucket.
func upTo(b *bucket, id string) []hub.Record {
	n, found := slices.BinarySearchFunc(b.records, id, func(r hub.Record, id string) int { return cmp.Compare(r.Key().ID, id) })
	if found {
		n++
	}
	head := b.records[:n]
	b.records = b.records[n:]
	b.digest = digestOf(b.records)
	return head
}

// candidates returns the keys of the records that are not the same in both lists, which are in the order of ids.
func candidates(source, target []hub.Record) []hub.RecordKey {
	var keys []hub.RecordKey
	for len(source) > 0 || len(target) > 0 {
		var order int
		switch {
		case len(source) == 0:
			order = 1
		case len(target) == 0:
			order = -1
		default:
			order = cmp.Compare(source[0].Key().ID, target[0].Key().ID)
		}
		switch {
		case order < 0:
			keys, source = append(keys, source[0].Key()), source[1:]
		case order > 0:
			keys, target = append(keys, target[0].Key()), target[1:]
		default:
			if len(differing(source[0], target[0])) > 0 {
				keys = append(keys, source[0].Key())
			}
			source, target = source[1:], target[1:]
		}
	}
	return keys
}
