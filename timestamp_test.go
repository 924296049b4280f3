package hub_test

import (
	"testing"
	"time"

	"github.com/a64core/hub"
)

func TestTimestampHasMillisecondsInUTC(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("", 3600)
	for want, at := range map[string]time.Time{
		"0001-01-01T00:00:00.000Z": {},
		"2026-01-02T03:04:05.678Z": time.Date(2026, 1, 2, 4, 4, 5, 678_999_999, east),
		"2026-12-31T23:59:59.009Z": time.Date(2026, 12, 31, 23, 59, 59, 9e6, time.UTC),
		"2027-01-01T00:00:00.100Z": time.Date(2027, 1, 1, 0, 0, 0, 1e8, time.UTC),
		"9999-12-31T23:59:59.999Z": time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC),
	} {
		if got := hub.Timestamp(at); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
