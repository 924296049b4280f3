package sqlstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/a64core/hub"
)

// deletion forgets rows of one table, a limited number at a time.
type deletion struct {
	query string // its last value is the limit
	args  []any
}

// oldTombstone keeps a tombstone as long as the other database has not seen it.
const oldTombstone = `purged_at <= ? AND NOT EXISTS (SELECT 1 FROM marks WHERE kind = 'tombstone' AND record_id = tombstones.user_id)`

func (d *dialect) deletions(now time.Time, keep hub.Retention) []deletion {
	clock := at(now)
	all := []deletion{
		{d.some("refresh_tokens", "session_id", `expires_at <= ?`), []any{clock}},
		{d.some("refresh_tokens", "session_id", `session_expires_at <= ?`), []any{clock}},
		{d.some("verification_tokens", "token_id", `expires_at <= ?`), []any{clock}},
		{d.some("lockouts", "lockout_key", `expires_at <= ?`), []any{clock}},
		{d.some("tombstones", "user_id", oldTombstone), []any{at(now.Add(-hub.TombstoneLife))}},
	}
	if keep.Mails > 0 {
		for _, state := range []hub.MailState{hub.MailSent, hub.MailDropped, hub.MailDead} {
			all = append(all, deletion{
				d.some("mails", "mail_id", `state = ? AND updated_at < ?`),
				[]any{string(state), at(now.Add(-keep.Mails))},
			})
		}
	}
	if keep.Events > 0 {
		all = append(all, deletion{d.some("events", "event_id", `happened_at < ?`), []any{at(now.Add(-keep.Events))}})
	}
	return all
}

func (d *dialect) some(table, key, condition string) string {
	return fmt.Sprintf(d.deleteSome, table, key, condition)
}

// Sweep implements hub.Store. A session has expired when its token or the session itself has: neither can be used again.
func (s *Store) Sweep(ctx context.Context, now time.Time, keep hub.Retention, limit int) (int, error) {
	var swept atomic.Int64 // the writer may be at it when the caller has left
	err := s.write(ctx, "sweep", func(t *tx) error {
		n := 0
		for _, d := range s.dialect.deletions(now, keep) {
			if n >= limit {
				break
			}
			deleted, err := t.exec(d.query, append(d.args, limit-n)...)
			if err != nil {
				return err
			}
			n += deleted
		}
		swept.Store(int64(n))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return int(swept.Load()), nil
}
