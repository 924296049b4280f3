package sqlstore

import (
	"context"
	"time"

	"github.com/a64core/hub"
)

const (
	updateMark = `UPDATE marks SET version = ? WHERE kind = ? AND record_id = ?`
	insertMark = `INSERT INTO marks (version, kind, record_id, since) VALUES (?, ?, ?, ?)`
	deleteMark = `DELETE FROM marks WHERE kind = ? AND record_id = ? AND version = ?`

	selectMarks = `SELECT kind, record_id, version, since FROM marks WHERE since < ? ORDER BY since, kind, record_id LIMIT ?`
)

func markOf(kind hub.RecordKind, id string, version int64) hub.Mark {
	return hub.Mark{Key: hub.RecordKey{Kind: kind, ID: id}, Version: version}
}

// setMark marks a change within its transaction. A mark that stands keeps its time.
func (t *tx) setMark(m hub.Mark, now time.Time) error {
	marked, err := t.exec(updateMark, m.Version, string(m.Key.Kind), m.Key.ID)
	if err == nil && marked == 0 {
		_, err = t.exec(insertMark, m.Version, string(m.Key.Kind), m.Key.ID, at(now))
	}
	return err
}

// Marks implements hub.Database.
func (s *Store) Marks(ctx context.Context, before time.Time, limit int) ([]hub.Mark, error) {
	return readAll(ctx, s, "list marks", selectMarks, []any{at(before), max(limit, 0)}, func(r row, m *hub.Mark) error {
		return r.Scan(&m.Key.Kind, &m.Key.ID, &m.Version, (*instant)(&m.Since))
	})
}

// Unmark implements hub.Database.
func (s *Store) Unmark(ctx context.Context, marks ...hub.Mark) error {
	if len(marks) == 0 {
		return nil
	}
	return s.writeMany(ctx, "remove marks", len(marks), func(t *tx) error {
		for _, m := range marks {
			if _, err := t.exec(deleteMark, string(m.Key.Kind), m.Key.ID, m.Version); err != nil {
				return err
			}
		}
		return nil
	})
}

// Backlog implements hub.Database.
func (s *Store) Backlog(ctx context.Context) (hub.Backlog, error) {
	var b hub.Backlog
	err := s.readOne(ctx, "count marks", `SELECT COUNT(*), MIN(since) FROM marks`, nil, &b.Pending, (*instant)(&b.Oldest))
	return b, err
}
