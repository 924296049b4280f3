package middleware

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a64core/hub"
)

func TestADeadlineIsAContextLikeAnyOther(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		parent, leave := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
		at := time.Now().Add(time.Minute)
		const asking = 4
		for name, ending := range map[string]struct {
			end   func(*deadline)
			err   error
			cause error
		}{
			"the time":   {func(*deadline) { <-time.After(time.Minute) }, context.DeadlineExceeded, hub.ErrUnavailable},
			"the answer": {(*deadline).end, context.Canceled, context.Canceled},
		} {
			d := &deadline{Context: parent, at: at}
			if d.Value(key{}) != "value" || d.timed.Load() != nil {
				t.Errorf("%s: a look at a value set the timer, or there is no value", name)
			}
			var all sync.WaitGroup
			for range asking {
				child, cancel := context.WithCancel(d)
				defer cancel()
				all.Go(func() { <-child.Done() })
			}
			if until, ok := d.Deadline(); !ok || !until.Equal(at) || d.Err() != nil || context.Cause(d) != nil || d.Value(key{}) != "value" {
				t.Errorf("%s: before it: %v %v", name, until, d.Err())
			}
			ending.end(d)
			all.Wait()
			if err, cause := d.Err(), context.Cause(d); !errors.Is(err, ending.err) || !errors.Is(cause, ending.cause) {
				t.Errorf("%s: %v because of %v", name, err, cause)
			}
			at = time.Now().Add(time.Minute)
		}
		late := &deadline{Context: parent, at: at}
		gone := errors.New("the client is gone")
		leave(gone)
		late.end()
		if !errors.Is(late.Err(), context.Canceled) || !errors.Is(context.Cause(late), gone) {
			t.Errorf("after its parent: %v because of %v", late.Err(), context.Cause(late))
		}
	})
}
