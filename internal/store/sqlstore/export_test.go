package sqlstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// WholeReads explains every statement that the store has prepared, and returns those that read a whole table.
func (s *Store) WholeReads(ctx context.Context) (whole []string, _ error) {
	s.mu.RLock()
	statements := slices.Collect(maps.Keys(s.prepared))
	s.mu.RUnlock()
	err := s.write(ctx, "list statements", func(t *tx) error {
		statements = slices.AppendSeq(statements, maps.Keys(t.statements))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, statement := range statements {
		steps, err := s.explain(ctx, statement, make([]any, strings.Count(statement, "?")))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(steps, isFullScan) {
			whole = append(whole, fmt.Sprintf("%s: %q", statement, steps))
		}
	}
	return whole, nil
}

// explain returns how SQLite would run a statement.
func (s *Store) explain(ctx context.Context, statement string, args []any) ([]string, error) {
	rows, err := s.readers.QueryContext(ctx, "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		return nil, fmt.Errorf("explain %s: %w", statement, err)
	}
	return collect(rows, func(r row, step *string) error {
		var id, parent, unused int
		return r.Scan(&id, &parent, &unused, step)
	})
}

func isFullScan(step string) bool {
	tables := []string{"users", "u", "refresh_tokens", "s", "verification_tokens", "lockouts", "mails", "events", "marks", "tombstones"}
	name, isScan := strings.CutPrefix(step, "SCAN ")
	return isScan && slices.Contains(tables, name) // a scan of an index says which it uses
}
