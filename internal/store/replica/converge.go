package replica

import (
	"context"
	"fmt"

	"github.com/a64core/hub"
)

const (
	// passes is how often Converge mends: what one pass could not do yet, because of what comes later in it or because of
	// changes meanwhile, the next one can.
	passes = 3
	// maxReasons bounds how many refusals Converge remembers.
	maxReasons = 1000
)

// Outcome says what Converge did.
type Outcome struct {
	Written int    // records that differed and were put into the target, some of them maybe again
	Removed int    // records that were erased from it
	Left    Result // of the comparison at the end
}

// Clean reports whether both databases hold the same, but for what waits to be copied.
func (o Outcome) Clean() bool { return o.Left.Differ == 0 }

// Converge makes the target hold what the source holds, as far as Rule and Erase allow, and compares both at the end. It may
// be interrupted and called again: what is equal is only compared. Found is told what still differs at the end, and why.
// Begin, if set, is told before each pass whether it mends.
func (c Comparison) Converge(ctx context.Context, begin func(mends bool)) (Outcome, error) {
	if begin == nil {
		begin = func(bool) {}
	}
	var o Outcome
	reasons := make(map[hub.RecordKey]string)
	for range passes {
		mend := c
		mend.Mend = true
		mend.Found = func(d Difference) error {
			if delete(reasons, d.Key); d.Reason != "" && len(reasons) < maxReasons {
				reasons[d.Key] = d.Reason
			}
			return nil
		}
		begin(true)
		r, err := mend.Run(ctx)
		o.Written += r.Mended - r.Removed
		o.Removed += r.Removed
		if err != nil {
			return o, err
		}
		if r.Mended == 0 || r.Clean() {
			break
		}
	}
	verify := c
	verify.Mend = false
	verify.Found = func(d Difference) error {
		d.Reason = reasons[d.Key]
		if c.Found == nil {
			return nil
		}
		return c.Found(d)
	}
	begin(false)
	var err error
	o.Left, err = verify.Run(ctx)
	return o, err
}

// Settle removes the marks of what another database holds as well, or what neither holds any more. The other marks stay:
// they tell what was acknowledged here and never reached the other.
func Settle(ctx context.Context, marked, other hub.Database) error {
	seen := make(map[hub.Mark]bool)
	for kept := 0; ; {
		marks, err := marked.Marks(ctx, endOfTime(), workBatch+kept)
		if err != nil {
			return fmt.Errorf("list marks: %w", err)
		}
		var keys []hub.RecordKey
		for _, m := range marks {
			if !seen[m] {
				seen[m] = true
				keys = append(keys, m.Key)
			}
		}
		if len(keys) == 0 {
			return nil
		}
		c := Comparison{Source: marked, Target: other}
		pairs, err := c.lookUp(ctx, keys)
		if err != nil {
			return fmt.Errorf("read what is marked: %w", err)
		}
		settled := settledMarks(marks, keys, pairs)
		if err := marked.Unmark(ctx, settled...); err != nil {
			return fmt.Errorf("remove marks: %w", err)
		}
		kept += len(keys) - len(settled)
	}
}

// settledMarks returns the marks that stand for what both databases hold.
func settledMarks(marks []hub.Mark, keys []hub.RecordKey, pairs map[hub.RecordKey]pair) []hub.Mark {
	fresh := make(map[hub.RecordKey]bool, len(keys))
	for _, key := range keys {
		fresh[key] = true
	}
	var settled []hub.Mark
	for _, m := range marks {
		switch p := pairs[m.Key]; {
		case !fresh[m.Key] || !p.isSame():
		case p.inSource():
			settled = append(settled, p.source.Mark())
		default:
			settled = append(settled, m)
		}
	}
	return settled
}
