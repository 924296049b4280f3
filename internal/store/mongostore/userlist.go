package mongostore

import (
	"context"
	"errors"
	"fmt"
	"math"

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
	page.Total = q.Known
	if q.Known == 0 {
		err = do(ctx, what, scanTimeout, func(ctx context.Context) (err error) {
			page.Total, err = s.matching(ctx, q)
			return err
		})
		if err != nil {
			return hub.UserPage{}, err
		}
	}
	if len(page.Users) > q.Limit {
		page.Users = page.Users[:q.Limit]
		next := hub.NewUserCursor(&page.Users[q.Limit-1], q.Sort.By)
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
	value, err := q.After.SortValue(q.Sort.By)
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
		filter[0] = isDeleted()
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

// matching counts the users that match. No index tells that a field is null without a look at the document; so where many may
// match, an index alone counts the deleted ones with the others, and they, who are few, are taken off.
func (s *Store) matching(ctx context.Context, q hub.UserQuery) (int, error) {
	if q.Search != "" {
		n, err := s.users.CountDocuments(ctx, userFilter(q), options.Count().SetLimit(hub.MaxFound))
		return int(n), err
	}
	if q.Deleted {
		return count(ctx, s.users, userFilter(q))
	}
	state := bson.D{hasRole()}
	if q.Role != 0 {
		state[0].Value = q.Role.String()
	}
	if q.IsActive != nil {
		state = append(state, bson.E{Key: "isActive", Value: *q.IsActive})
	}
	all, err := count(ctx, s.users, state)
	if err != nil {
		return 0, err
	}
	q.Deleted = true
	deleted, err := count(ctx, s.users, userFilter(q))
	return max(0, all-deleted), err
}

// hasRole matches users, deleted or not, and no tombstone, by an index that holds their state.
func hasRole() bson.E { return bson.E{Key: "role", Value: bson.D{{Key: "$gte", Value: ""}}} }

// foundBy returns a condition for each name by which a user is found. Each is a range of one index.
func foundBy(prefix string) bson.A {
	within := bson.D{{Key: "$gte", Value: prefix}}
	if end, ok := hub.PrefixEnd(prefix); ok {
		within = append(within, bson.E{Key: "$lt", Value: end})
	}
	var found bson.A
	for _, field := range []string{"email", "lastNameFolded", "fullNameFolded"} {
		found = append(found, bson.D{{Key: field, Value: within}})
	}
	return found
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
