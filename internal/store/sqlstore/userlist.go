package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
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
	if err != nil {
		return hub.UserPage{}, s.dialect.wrap("list users", err)
	}
	if len(page.Users) > q.Limit {
		page.Users = page.Users[:q.Limit]
		next := hub.NewUserCursor(&page.Users[q.Limit-1], q.Sort.By)
		page.Next = &next
	}
	return page, nil
}

// users returns a page and the first user behind it.
func (s *Store) users(ctx context.Context, q hub.UserQuery) (page hub.UserPage, err error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	if page.Total = q.Known; q.Known > 0 {
		list, args, err := s.dialect.userList(q, page.Total)
		if err != nil {
			return page, err
		}
		rows, err := s.query(ctx, list, args)
		if err != nil {
			return page, err
		}
		page.Users, err = collect(rows, scanUser)
		return page, err
	}
	// Both in one snapshot, so that the total fits the page.
	tx, err := s.readers.BeginTx(ctx, &s.dialect.snapshot)
	if err != nil {
		return page, err
	}
	defer func() { _ = tx.Rollback() }() // it only read
	count, where := s.dialect.userCount(q)
	if err := tx.QueryRowContext(ctx, count, where...).Scan(&page.Total); err != nil {
		return page, err
	}
	list, args, err := s.dialect.userList(q, page.Total)
	if err != nil {
		return page, err
	}
	rows, err := tx.QueryContext(ctx, list, args...)
	if err != nil {
		return page, err
	}
	page.Users, err = collect(rows, scanUser)
	return page, err
}

func (d *dialect) userCount(q hub.UserQuery) (query string, args []any) {
	if q.Search != "" {
		found := foundBy(q, hub.MaxFound)
		return `SELECT COUNT(*) FROM (SELECT user_id FROM (` + found.union() + `) AS every LIMIT ?) AS counted`, append(found.args, hub.MaxFound)
	}
	where := gathering(q)
	// This index has all that is asked for, and little else.
	return `SELECT COUNT(*) FROM ` + d.by(stateIndex) + ` WHERE ` + where.text(), where.args
}

const (
	stateIndex  = "users_by_state"
	roleIndex   = "users_by_role"
	activeIndex = "users_by_active"

	// maxGathered is how many users at most are read by what they match, to be sorted. Of more, those of a page are met soon on a
	// walk through an index that has the order: of a million, a walk passes no more until it has met a page of twenty.
	maxGathered = 5000
)

// by returns the table of users, to be read by an index.
func (d *dialect) by(index string) string { return `users ` + fmt.Sprintf(d.useIndex, index) }

// userList returns the query for a page and the first user behind it, of about as many as match. It says by which index:
// what databases know of the values would not tell them.
func (d *dialect) userList(q hub.UserQuery, matching int) (query string, args []any, err error) {
	if q.Limit < 1 {
		return "", nil, errors.New("the limit is below 1")
	}
	column, index, err := sortColumn(q.Sort.By)
	if err != nil {
		return "", nil, err
	}
	hasOrder := q.Role == 0 && q.IsActive == nil
	if column == "created_at" && !hasOrder {
		hasOrder = q.Role == 0 || q.IsActive == nil
		if index = roleIndex; q.Role == 0 {
			index = activeIndex
		}
	}
	var where conditions
	var from string
	switch {
	case hasOrder && q.Search == "" || matching > maxGathered:
		where, from = passing(q), d.by(index)
	case q.Search != "":
		where, from = gathering(q), `users`
	default:
		where, from = gathering(q), d.by(stateIndex)
	}
	beyond, direction := ">", " ASC"
	if q.Sort.Descending {
		beyond, direction = "<", " DESC"
	}
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
	query = `SELECT ` + userColumns + ` FROM ` + from + ` WHERE ` + where.text() + ` ORDER BY ` + column + direction + `, user_id` + direction + ` LIMIT ? OFFSET ?`
	return query, append(where.args, min(q.Limit, math.MaxInt32)+1, offset), nil
}

// passing are the conditions for a walk through an index that has the order.
func passing(q hub.UserQuery) conditions {
	var where conditions
	where.add(`is_deleted = ?`, q.Deleted)
	if q.Search != "" {
		found := namedBy(hub.Fold(q.Search))
		where.add(`(`+strings.Join(found.terms, ` OR `)+`)`, found.args...)
	}
	where.addState(q)
	return where
}

// gathering are the conditions for reading what matches, by an index that has it.
func gathering(q hub.UserQuery) conditions {
	var where conditions
	if q.Search != "" {
		found := foundBy(q, hub.MaxFound)
		where.add(`user_id IN (SELECT user_id FROM (`+found.union()+`) AS found)`, found.args...)
		return where
	}
	where.add(`is_deleted = ?`, q.Deleted)
	if q.Role == 0 && q.IsActive != nil { // the role comes first in the index
		where.add(`role IN ('super_admin', 'admin', 'moderator', 'user', 'guest')`)
	}
	where.addState(q)
	return where
}

func (c *conditions) addState(q hub.UserQuery) {
	if q.Role != 0 {
		c.add(`role = ?`, q.Role.String())
	}
	if q.IsActive != nil {
		c.add(`is_active = ?`, *q.IsActive)
	}
}

// namedBy returns a condition for each name by which a user is found. Each is a range of one index.
func namedBy(prefix string) conditions {
	var named conditions
	end, hasEnd := hub.PrefixEnd(prefix)
	for _, column := range []string{"email", "last_name_folded", "full_name_folded"} {
		if hasEnd {
			named.add(`(`+column+` >= ? AND `+column+` < ?)`, prefix, end)
		} else {
			named.add(`(`+column+` >= ?)`, prefix)
		}
	}
	return named
}

// foundBy returns a query for each name by which a user is found, which gives the ids of some of those who match: databases
// would rather read all users than several indexes at once.
func foundBy(q hub.UserQuery, atMost int) conditions {
	var state, found conditions
	state.add(`is_deleted = ?`, q.Deleted)
	state.addState(q)
	named := namedBy(hub.Fold(q.Search))
	values := len(named.args) / len(named.terms)
	for i, name := range named.terms {
		args := slices.Concat(named.args[i*values:(i+1)*values], state.args, []any{atMost})
		found.add(`SELECT user_id FROM users WHERE `+name+` AND `+state.text()+` LIMIT ?`, args...)
	}
	return found
}

// union joins queries that end with a limit; what several find is in it once.
func (c *conditions) union() string {
	parts := make([]string, len(c.terms))
	for i, query := range c.terms {
		parts[i] = fmt.Sprintf(`SELECT * FROM (%s) AS part%d`, query, i)
	}
	return strings.Join(parts, ` UNION `)
}

// sortColumn returns the column that has an order, and the index.
func sortColumn(by hub.UserSortField) (column, index string, err error) {
	switch by {
	case hub.SortByCreatedAt, "":
		return "created_at", "users_by_created_at", nil
	case hub.SortByEmail:
		return "email", "users_by_email", nil
	case hub.SortByLastName:
		return "last_name_folded", "users_by_last_name", nil
	}
	return "", "", errors.New("no such order")
}
