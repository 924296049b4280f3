package mongostore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// Users implements hub.UserStore. Page and total are read one after the other: between them, users may come and go.
func (s *Store) Users(ctx context.Context, q hub.UserQuery) (hub.UserPage, error) {
	const what = "list users"
	filter := userFilter(q)
	find, o, err := userFind(q, filter)
	if err != nil {
		return hub.UserPage{}, fmt.Errorf("%s: %w", what, err)
	}
	var page hub.UserPage
	page.Users, err = findAll(ctx, s, what, s.users.Collection, find, o, readUser)
	if err != nil {
		return hub.UserPage{}, err
	}
	err = s.do(ctx, what, func(ctx context.Context) error {
		n, err := s.users.CountDocuments(ctx, filter)
		page.Total = int(n)
		return err
	})
	if err != nil {
		return hub.UserPage{}, err
	}
	if len(page.Users) > q.Limit {
		page.Users = page.Users[:q.Limit]
		next := cursorOf(&page.Users[q.Limit-1], q.Sort.By)
		page.Next = &next
	}
	return page, nil
}

// userFind returns the query for a page and the first user behind it.
func userFind(q hub.UserQuery, filter bson.D) (bson.D, *options.FindOptionsBuilder, error) {
	if q.Limit < 1 {
		return nil, nil, errors.New("the limit is below 1")
	}
	field, err := sortField(q.Sort.By)
	if err != nil {
		return nil, nil, err
	}
	beyond, direction := "$gt", 1
	if q.Sort.Descending {
		beyond, direction = "$lt", -1
	}
	sort := bson.D{{Key: field, Value: direction}}
	if field != "email" { // addresses differ, and so their index gives the whole order
		sort = append(sort, bson.E{Key: "userId", Value: direction})
	}
	o := options.Find().SetSort(sort).SetLimit(int64(min(q.Limit, math.MaxInt32-1)) + 1)
	if q.After == nil {
		return filter, o.SetSkip(int64(max(q.Offset, 0))), nil
	}
	value, err := cursorValue(q.After, q.Sort.By)
	if err != nil {
		return nil, nil, err
	}
	// The first condition is a range of an index, the second leaves out those of the same value that came before.
	page := bson.A{
		filter,
		bson.D{{Key: field, Value: bson.D{{Key: beyond + "e", Value: value}}}},
		bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: field, Value: bson.D{{Key: beyond, Value: value}}}},
			bson.D{{Key: "userId", Value: bson.D{{Key: beyond, Value: q.After.ID}}}},
		}}},
	}
	return bson.D{{Key: "$and", Value: page}}, o, nil
}

// userFilter returns what users must match, wherever the page begins. A tombstone's deletedAt is neither null nor a time.
func userFilter(q hub.UserQuery) bson.D {
	filter := bson.D{{Key: "deletedAt", Value: nil}}
	if q.Deleted {
		filter[0].Value = bson.D{{Key: "$gt", Value: dawn()}}
	}
	if q.Search != "" {
		filter = append(filter, bson.E{Key: "$or", Value: foundBy(text(hub.Fold(q.Search)))})
	}
	if q.Role != 0 {
		filter = append(filter, bson.E{Key: "role", Value: q.Role.String()})
	}
	if q.IsActive != nil {
		filter = append(filter, bson.E{Key: "isActive", Value: *q.IsActive})
	}
	return filter
}

// foundBy returns a condition for each name by which a user is found. Each is a range of one index.
func foundBy(prefix string) bson.A {
	within := bson.D{{Key: "$gte", Value: prefix}}
	if end, ok := prefixEnd(prefix); ok {
		within = append(within, bson.E{Key: "$lt", Value: end})
	}
	var found bson.A
	for _, field := range []string{"email", "lastNameFolded", "fullNameFolded"} {
		found = append(found, bson.D{{Key: field, Value: within}})
	}
	return found
}

// prefixEnd returns the least text that is greater than every text with the given prefix, comparing code points, and
// so bytes of UTF-8. There is none if the prefix holds nothing but the last code point.
func prefixEnd(prefix string) (string, bool) {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case last == utf8.MaxRune:
			continue
		case last == 0xD7FF: // behind it come the surrogates, which are no characters
			return prefix + "\uE000", true
		}
		return prefix + string(last+1), true
	}
	return "", false
}

func sortField(by hub.UserSortField) (string, error) {
	switch by {
	case hub.SortByCreatedAt, "":
		return "createdAt", nil
	case hub.SortByEmail:
		return "email", nil
	case hub.SortByLastName:
		return "lastNameFolded", nil
	}
	return "", errors.New("no such order")
}

// cursorOf returns the place behind u.
func cursorOf(u *hub.User, by hub.UserSortField) hub.UserCursor {
	switch by {
	case hub.SortByEmail:
		return hub.UserCursor{Value: u.Email, ID: u.ID}
	case hub.SortByLastName:
		return hub.UserCursor{Value: hub.Fold(u.LastName), ID: u.ID}
	default:
		return hub.UserCursor{Value: strconv.FormatInt(u.CreatedAt.UnixMilli(), 10), ID: u.ID}
	}
}

// cursorValue returns the value to compare the sort field with. ErrNotFound for a cursor that no page gave.
func cursorValue(c *hub.UserCursor, by hub.UserSortField) (any, error) {
	if !utf8.ValidString(c.Value) || !utf8.ValidString(c.ID) {
		return nil, fmt.Errorf("the cursor is no text: %w", hub.ErrNotFound)
	}
	if by == hub.SortByEmail || by == hub.SortByLastName {
		return c.Value, nil
	}
	ms, err := strconv.ParseInt(c.Value, 10, 64)
	if t := time.UnixMilli(ms).UTC(); err == nil && t.Year() >= 1 && t.Year() <= 9999 {
		return at(t), nil
	}
	return nil, fmt.Errorf("the cursor is no time: %w", hub.ErrNotFound)
}
