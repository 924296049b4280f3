package sqlstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/a64core/hub"
)

// listSizes returns the numbers of keys for which a query is prepared; a shorter list repeats its last key.
func listSizes() [4]int { return [...]int{1, 8, 64, 512} }

// keyLists cuts ids into lists of those sizes.
func keyLists(ids []string) (lists [][]any) {
	sizes := listSizes()
	for len(ids) > 0 {
		size := sizes[len(sizes)-1]
		for _, s := range sizes {
			if len(ids) <= s {
				size = s
				break
			}
		}
		taken := min(size, len(ids))
		list := make([]any, size)
		for i := range list {
			list[i] = ids[min(i, taken-1)]
		}
		lists, ids = append(lists, list), ids[taken:]
	}
	return lists
}

// oneOf is the condition that a column is one of n values.
func oneOf(column string, n int) string {
	return column + ` IN (` + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + `)`
}

// Lookup implements hub.Database.
func (s *Store) Lookup(ctx context.Context, keys ...hub.RecordKey) ([]hub.Record, error) {
	byKind := make(map[hub.RecordKind][]string)
	for _, k := range keys {
		byKind[k.Kind] = append(byKind[k.Kind], k.ID)
	}
	var found []hub.Record
	for kind, ids := range byKind {
		table, err := tableOf(kind)
		if err != nil {
			return nil, fmt.Errorf("look up records: %w", err)
		}
		for _, list := range keyLists(ids) {
			records, err := readAll(ctx, s, "look up records", table.selectWhere(oneOf(table.key, len(list))), list, table.scan)
			if err != nil {
				return nil, err
			}
			found = append(found, records...)
		}
	}
	return found, nil
}

// Scan implements hub.Database.
func (s *Store) Scan(ctx context.Context, q hub.ScanQuery) ([]hub.Record, error) {
	query, args, scan, err := scanning(q)
	if err != nil {
		return nil, err
	}
	return readAll(ctx, s, "scan records", query, args, scan)
}

// scanning returns the query that scans, and what reads its rows.
func scanning(q hub.ScanQuery) (query string, args []any, scan func(row, *hub.Record) error, err error) {
	table, err := tableOf(q.Kind)
	if err != nil || q.Limit < 1 {
		return "", nil, nil, fmt.Errorf("scan records: a limit of %d: %w", q.Limit, err)
	}
	var where conditions
	where.add(table.key+` > ?`, q.After)
	if q.UpTo != "" {
		where.add(table.key+` <= ?`, q.UpTo)
	}
	if !q.Live.IsZero() {
		live(&where, q)
	}
	query = table.selectWhere(where.text()) + ` ORDER BY ` + table.key + ` LIMIT ?`
	return query, append(where.args, q.Limit), table.scan, nil
}

// live adds the opposite of what Sweep deletes.
func live(where *conditions, q hub.ScanQuery) {
	switch q.Kind {
	case hub.RecordSession:
		where.add(`expires_at > ? AND session_expires_at > ?`, at(q.Live), at(q.Live))
	case hub.RecordMailToken, hub.RecordLockout:
		where.add(`expires_at > ?`, at(q.Live))
	case hub.RecordMail:
		if q.Keep.Mails > 0 {
			where.add(`(state = 'queued' OR updated_at >= ?)`, at(q.Live.Add(-q.Keep.Mails)))
		}
	case hub.RecordEvent:
		if q.Keep.Events > 0 {
			where.add(`happened_at >= ?`, at(q.Live.Add(-q.Keep.Events)))
		}
	case hub.RecordTombstone:
		where.add(`purged_at > ?`, at(q.Live.Add(-hub.TombstoneLife)))
	case hub.RecordUser: // the sweep takes no users
	}
}

// Count implements hub.Database.
func (s *Store) Count(ctx context.Context, kind hub.RecordKind) (n int, err error) {
	table, err := tableOf(kind)
	if err != nil {
		return 0, fmt.Errorf("count records: %w", err)
	}
	return n, s.readOne(ctx, "count records", `SELECT COUNT(*) FROM `+table.table, nil, &n)
}
