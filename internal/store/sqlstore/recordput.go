package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/a64core/hub"
)

// insertSizes returns how many rows one statement may add, the most first: few, since each text stays prepared.
func insertSizes() [3]int { return [...]int{50, 8, 1} }

const (
	insertTombstone  = `INSERT INTO tombstones (version, purged_at, user_id) VALUES (?, ?, ?)`
	deletePurgedUser = `DELETE FROM users WHERE user_id = ?`

	// parkEmail takes a user's address away until the same transaction gives them another, so that users can trade. No
	// canonical address looks like it.
	parkEmail = `UPDATE users SET email = ? WHERE user_id = ? AND email <> ?`
)

// placement is a record on its way into its table.
type placement struct {
	record hub.Record
	id     string
	rule   hub.PutRule
	values []any
	limits []any // of recordTable.notNewer, where the rule asks for it
}

// Put implements hub.Database. All records are kept or none.
func (s *Store) Put(ctx context.Context, rule hub.PutRule, records ...hub.Record) error {
	byKind := make(map[hub.RecordKind][]placement)
	for _, r := range records {
		p, err := newPlacement(r, rule)
		if err != nil {
			return s.dialect.wrap("put records", err)
		}
		kind := r.Key().Kind
		byKind[kind] = append(byKind[kind], p)
	}
	if len(records) == 1 {
		replaced, err := s.replaceOne(ctx, byKind[records[0].Key().Kind][0])
		if replaced || err != nil {
			return s.dialect.wrap("put record", err)
		}
	}
	return s.writeMany(ctx, "put records", len(records), func(t *tx) error {
		for _, p := range byKind[hub.RecordTombstone] {
			if err := s.putTombstone(t, p.record.Tombstone); err != nil {
				return err
			}
		}
		for _, table := range recordTables() {
			if err := s.putAll(t, table, byKind[table.kind]); err != nil {
				return err
			}
		}
		return nil
	})
}

// replaceOne replaces a single record by one statement that is a transaction by itself, where there is a server to which
// that is less work. It reports whether it did.
func (s *Store) replaceOne(ctx context.Context, p placement) (bool, error) {
	w, ok := s.writer.(*serverWriter)
	kind := p.record.Key().Kind
	if !ok || !p.isChange() || kind == hub.RecordMail || kind == hub.RecordTombstone { // these look for tombstones, or are some
		return false, nil
	}
	table, err := tableOf(kind)
	if err != nil {
		return false, err
	}
	n, err := w.single(ctx, table.update(p.rule), append(slices.Clone(p.values), p.limits...))
	return n > 0, s.putError(table, err)
}

// isChange reports whether the record is as a change leaves it: most likely an earlier version is there.
func (p *placement) isChange() bool { return p.record.Version() > 1 }

func newPlacement(r hub.Record, rule hub.PutRule) (placement, error) {
	key := r.Key()
	p := placement{record: r, id: key.ID, rule: rule}
	if r.Tombstone != nil {
		return p, nil
	}
	table, err := tableOf(key.Kind)
	if err != nil {
		return p, err
	}
	if rule != hub.Always {
		p.limits = table.limits(r)
	}
	p.values, err = table.values(r)
	return p, err
}

// putAll puts records of one kind.
func (s *Store) putAll(t *tx, table recordTable, all []placement) error {
	all, err := s.withoutPurged(t, all)
	if err != nil || len(all) == 0 {
		return err
	}
	if len(all) == 1 && all[0].isChange() {
		switch replaced, err := t.replace(table, all[0]); {
		case err != nil:
			return s.putError(table, err)
		case replaced:
			return nil
		}
	}
	stored, err := t.stored(table, all)
	if err != nil {
		return err
	}
	if table.kind == hub.RecordUser && len(all) > 1 {
		if err := t.parkTraders(all, stored); err != nil {
			return err
		}
	}
	var absent []placement
	for _, p := range all {
		if !stored[p.id] {
			absent = append(absent, p)
		} else if _, err := t.replace(table, p); err != nil {
			return s.putError(table, err)
		}
	}
	return s.insertAll(t, table, absent)
}

// errPutTwice says that somebody else put a record between our looking for it and our adding it.
var errPutTwice = fmt.Errorf("%w: a record was put twice at once", hub.ErrUnavailable)

// putError gives the error of a statement that puts a record its meaning.
func (s *Store) putError(table recordTable, err error) error {
	switch {
	case err == nil:
		return nil
	case table.kind == hub.RecordUser && s.dialect.isDuplicateEmail(err):
		return hub.ErrDuplicateEmail
	case s.dialect.isOrphan(err):
		return hub.ErrOrphan
	case s.dialect.isDuplicate(err): // somebody else put it at the same moment: the next try finds it
		return errPutTwice
	}
	return err
}

// replace replaces a stored record unless it is newer, and reports whether it did.
func (t *tx) replace(table recordTable, p placement) (bool, error) {
	n, err := t.exec(table.update(p.rule), append(slices.Clone(p.values), p.limits...)...)
	return n > 0, err
}

// stored tells which records are there, whatever their versions.
func (t *tx) stored(table recordTable, all []placement) (map[string]bool, error) {
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = p.id
	}
	stored := make(map[string]bool, len(all))
	for _, list := range keyLists(ids) {
		found, err := t.texts(`SELECT `+table.key+` FROM `+table.table+` WHERE `+oneOf(table.key, len(list)), list...)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			stored[id] = true
		}
	}
	return stored, nil
}

// parkTraders takes the addresses of those whose address changes.
func (t *tx) parkTraders(all []placement, stored map[string]bool) error {
	for _, p := range all {
		if u := p.record.User; stored[u.ID] {
			query, args := parkEmail, []any{"parked:" + u.ID, u.ID, u.Email}
			if p.rule != hub.Always {
				query, args = query+` AND `+versionUpTo, append(args, p.limits...)
			}
			if _, err := t.exec(query, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// insertAll adds records that are not there.
func (s *Store) insertAll(t *tx, table recordTable, absent []placement) error {
	for len(absent) > 0 {
		n := 0
		for _, size := range insertSizes() {
			if n = size; n <= len(absent) {
				break
			}
		}
		values := make([]any, 0, n*table.width())
		for _, p := range absent[:n] {
			values = append(values, p.values...)
		}
		if _, err := t.exec(table.insert(n), values...); err != nil {
			return s.putError(table, err)
		}
		if table.kind == hub.RecordUser {
			if err := s.removePurged(t, absent[:n]); err != nil {
				return err
			}
		}
		absent = absent[n:]
	}
	return nil
}

// removePurged deletes what was just added of users who were purged before. It looks after adding and waits for purges
// that are under way: looking before, or not waiting, would let a user in whose purge commits in between.
func (s *Store) removePurged(t *tx, added []placement) error {
	ids := make([]string, len(added))
	for i, p := range added {
		ids[i] = p.id
	}
	for _, list := range keyLists(ids) {
		purged, err := t.texts(`SELECT user_id FROM tombstones WHERE `+oneOf("user_id", len(list))+s.dialect.lockRows, list...)
		if err != nil {
			return err
		}
		for _, id := range purged {
			if _, err := t.exec(deletePurgedUser, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutPurged leaves out mails to users who were purged, which no foreign key keeps out.
func (s *Store) withoutPurged(t *tx, all []placement) ([]placement, error) {
	var ids []string
	for _, p := range all {
		if m := p.record.Mail; m != nil && m.UserID != "" {
			ids = append(ids, m.UserID)
		}
	}
	for _, list := range keyLists(ids) {
		purged, err := t.texts(`SELECT user_id FROM tombstones WHERE `+oneOf("user_id", len(list)), list...)
		if err != nil {
			return nil, err
		}
		// A copy, since the transaction may be repeated.
		all = slices.DeleteFunc(slices.Clone(all), func(p placement) bool { return slices.Contains(purged, p.record.Mail.UserID) })
	}
	return all, nil
}

// putTombstone purges a user, whether they are there or not.
func (s *Store) putTombstone(t *tx, stone *hub.Tombstone) error {
	_, err := t.exec(insertTombstone, stone.Version, at(stone.PurgedAt), stone.UserID)
	if err != nil && !s.dialect.isDuplicate(err) {
		return err
	}
	return t.deleteUser(stone.UserID)
}

// deleteUser deletes a user with everything that belongs to them. Sessions and mail tokens go by their foreign keys.
func (t *tx) deleteUser(id string) error {
	for _, query := range []string{deleteUserMails, deleteAddressMails, deletePurgedUser} {
		if _, err := t.exec(query, id); err != nil {
			return err
		}
	}
	return nil
}

// Erase implements hub.Database.
func (s *Store) Erase(ctx context.Context, keys ...hub.RecordKey) error {
	return s.writeMany(ctx, "erase records", len(keys), func(t *tx) error {
		for _, key := range keys {
			if err := t.erase(key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) erase(key hub.RecordKey) error {
	if key.Kind == hub.RecordUser {
		return t.deleteUser(key.ID)
	}
	table, err := tableOf(key.Kind)
	if err == nil {
		_, err = t.exec(`DELETE FROM `+table.table+` WHERE `+table.key+` = ?`, key.ID)
	}
	return err
}
