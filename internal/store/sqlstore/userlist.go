package sqlstore

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/a64core/hub"
)

// conditions is the part of a query behind WHERE, with its values.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(term string, args ...any) {
	c.terms = append(c.terms, term)
	c.args = append(c.args, args...)
}

func (c *conditions) text() string { return strings.Join(c.terms, " AND ") }

// Users implements hub.UserStore.
func (s *Store) Users(ctx context.Context, q hub.UserQuery) (hub.UserPage, error) {
	page, err := s.users(ctx, q)
	return page, s.dialect.wrap("list users", err)
}

func (s *Store) users(ctx context.Context, q hub.UserQuery) (_ hub.UserPage, err error) {
	count, where := s.dialect.userCount(q)
	list, args, err := s.dialect.userList(q)
	if err != nil {
		return hub.UserPage{}, err
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	// Both in one snapshot, so that the total fits the page.
	tx, err := s.readers.BeginTx(ctx, &s.dialect.snapshot)
	if err != nil {
		return hub.UserPage{}, err
	}
	defer func() { _ = tx.Rollback() }() // it only read

	var page hub.UserPage
	if err := tx.QueryRowContext(ctx, count, where...).Scan(&page.Total); err != nil {
		return hub.UserPage{}, err
	}
	rows, err := tx.QueryContext(ctx, list, args...)
	if err != nil {
		return hub.UserPage{}, err
	}
	page.Users, err = collect(rows, scanUser)
	if err != nil {
		return hub.UserPage{}, err
	}
	if len(page.Users) > q.Limit {
		page.Users = page.Users[:q.Limit]
		next := hub.NewUserCursor(&page.Users[q.Limit-1], q.Sort.By)
		page.Next = &next
	}
	return page, nil
}

func (d *dialect) userCount(q hub.UserQuery) (query string, args []any) {
	where := d.userConditions(q)
	return `SELECT COUNT(*) FROM users WHERE ` + where.text(), where.args
}

// userList returns the query for a page and the first user behind it.
func (d *dialect) userList(q hub.UserQuery) (query string, args []any, err error) {
	if q.Limit < 1 {
		return "", nil, errors.New("the limit is below 1")
	}
	column, err := sortColumn(q.Sort.By)
	if err != nil {
		return "", nil, err
	}
	beyond, direction := ">", " ASC"
	if q.Sort.Descending {
		beyond, direction = "<", " DESC"
	}
	where := d.userConditions(q)
	offset := max(q.Offset, 0)
	if q.After != nil {
		value, err := q.After.SortValue(q.Sort.By)
		if err != nil {
			return "", nil, err
		}
		// The first term is a range of an index, the second leaves out those of the same value that came before.
		where.add(column+` `+beyond+`= ? AND (`+column+` `+beyond+` ? OR user_id `+beyond+` ?)`, value, value, q.After.ID)
		offset = 0
	}
	query = selectUser + ` WHERE ` + where.text() + ` ORDER BY ` + column + direction + `, user_id` + direction + ` LIMIT ? OFFSET ?`
	return query, append(where.args, min(q.Limit, math.MaxInt32)+1, offset), nil
}

func (d *dialect) userConditions(q hub.UserQuery) conditions {
	var where conditions
	if q.Search == "" {
		where.add(`is_deleted = ?`, q.Deleted)
	} else {
		found := foundBy(hub.Fold(q.Search), q.Deleted)
		where.add(d.anyOf(found.terms), found.args...)
	}
	if q.Role != 0 {
		where.add(`role = ?`, q.Role.String())
	}
	if q.IsActive != nil {
		where.add(`is_active = ?`, *q.IsActive)
	}
	return where
}

// eitherOf joins ranges of indexes of users for a database that reads each by its own index.
func eitherOf(ranges []string) string { return `(` + strings.Join(ranges, ` OR `) + `)` }

// unionOf joins ranges of indexes of users for MySQL, which would rather read all users than several indexes.
func unionOf(ranges []string) string {
	const ids = `SELECT user_id FROM users WHERE `
	return `user_id IN (SELECT user_id FROM (` + ids + strings.Join(ranges, ` UNION `+ids) + `) AS found)`
}

// foundBy returns a condition for each name by which a user is found, deleted ones or others. Each is a range of one
// index, whole by itself, so that databases join the ranges instead of reading all users.
func foundBy(prefix string, deleted bool) conditions {
	var found conditions
	end, hasEnd := hub.PrefixEnd(prefix)
	for _, column := range []string{"email", "last_name_folded", "full_name_folded"} {
		if hasEnd {
			found.add(`(is_deleted = ? AND `+column+` >= ? AND `+column+` < ?)`, deleted, prefix, end)
		} else {
			found.add(`(is_deleted = ? AND `+column+` >= ?)`, deleted, prefix)
		}
	}
	return found
}

func sortColumn(by hub.UserSortField) (string, error) {
	switch by {
	case hub.SortByCreatedAt, "":
		return "created_at", nil
	case hub.SortByEmail:
		return "email", nil
	case hub.SortByLastName:
		return "last_name_folded", nil
	}
	return "", errors.New("no such order")
}
