package hubtest

import (
	"context"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/replica"
)

// compare copies what waits to be copied and reports what differs between the two databases, if there are two.
func (h *Hub) compare(t testing.TB) {
	t.Helper()
	if h.App.Replica == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // not the test's, which may be over
	defer cancel()
	if err := h.App.Replica.Drain(ctx); err != nil {
		t.Errorf("copy what is marked: %v", err)
		return
	}
	second, err := h.App.Replica.Secondary()
	if err != nil {
		t.Error(err)
		return
	}
	c := replica.Comparison{
		Source: h.App.Replica.Primary(), Target: second, Kinds: hub.RecordKinds(),
		Live: time.Unix(0, 0), // nothing had expired by then: the hub's clock may stand anywhere
		Found: func(d replica.Difference) error {
			t.Errorf("the databases differ: %s %s: missing in %q, fields %v", d.Key.Kind, d.Key.ID, d.Missing, d.Fields)
			return nil
		},
	}
	if _, err := c.Run(ctx); err != nil {
		t.Errorf("compare the databases: %v", err)
	}
}
