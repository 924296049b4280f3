package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/a64core/hub"
)

// route is the way of records from one database to another.
type route struct {
	source, target hub.Database
	rule           hub.PutRule
}

// resolve puts a record that the target has refused, together with what it waits for, and returns what was put. Any other
// refusal comes back as it is.
func (w route) resolve(ctx context.Context, r hub.Record, refusal error) ([]hub.Record, error) {
	switch {
	case errors.Is(refusal, hub.ErrDuplicateEmail) && r.User != nil:
		return w.putTrade(ctx, r)
	case errors.Is(refusal, hub.ErrOrphan):
		return w.putOrphan(ctx, r)
	}
	return nil, refusal
}

// maxTrade bounds how many users may have handed addresses to each other since they were copied.
const maxTrade = 100

// putTrade puts a user whose address another one still has in the target. That one's address has changed as well, or
// there could not be two in the source; so both are put together, and whoever has the other's new address with them.
func (w route) putTrade(ctx context.Context, r hub.Record) ([]hub.Record, error) {
	traders := []string{r.User.ID}
	for range maxTrade {
		group, err := w.present(ctx, traders)
		if err != nil {
			return nil, err
		}
		if err = w.target.Put(ctx, w.rule, group...); err == nil {
			return group, nil
		}
		if !errors.Is(err, hub.ErrDuplicateEmail) {
			return nil, fmt.Errorf("copy users who traded addresses: %w", err)
		}
		more, holdErr := w.holders(ctx, group, traders)
		if holdErr != nil {
			return nil, holdErr
		}
		if len(more) == 0 {
			return nil, fmt.Errorf("user %s keeps an address that is another's in the source: %w", traders[len(traders)-1], err)
		}
		traders = append(traders, more...)
	}
	return nil, fmt.Errorf("more than %d users traded addresses: %w", maxTrade, hub.ErrDuplicateEmail)
}

// holders returns who in the target has the addresses of the group, without those who are known.
func (w route) holders(ctx context.Context, group []hub.Record, known []string) (more []string, err error) {
	for _, member := range group {
		if member.User == nil {
			continue
		}
		holder, err := w.target.UserByEmail(ctx, member.User.Email)
		switch {
		case errors.Is(err, hub.ErrNotFound):
		case err != nil:
			return nil, fmt.Errorf("look for who has an address: %w", err)
		case !slices.Contains(known, holder.ID) && !slices.Contains(more, holder.ID):
			more = append(more, holder.ID)
		}
	}
	return more, nil
}

// present returns what the source has of the users, or the tombstones of those that were purged.
func (w route) present(ctx context.Context, userIDs []string) ([]hub.Record, error) {
	keys := make([]hub.RecordKey, 0, 2*len(userIDs))
	for _, id := range userIDs {
		keys = append(keys, hub.RecordKey{Kind: hub.RecordTombstone, ID: id}, hub.RecordKey{Kind: hub.RecordUser, ID: id})
	}
	group, err := w.source.Lookup(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read users who traded addresses: %w", err)
	}
	inOrder(group)
	return group, nil
}

// putOrphan puts a record whose user was not copied yet. If the user was purged, there is nothing to copy.
func (w route) putOrphan(ctx context.Context, r hub.Record) ([]hub.Record, error) {
	var userID string
	switch {
	case r.Session != nil:
		userID = r.Session.UserID
	case r.MailToken != nil:
		userID = r.MailToken.UserID
	}
	found, err := w.source.Lookup(ctx, hub.RecordKey{Kind: hub.RecordUser, ID: userID})
	if err != nil {
		return nil, fmt.Errorf("read a record's user: %w", err)
	}
	if len(found) == 0 {
		return []hub.Record{r}, nil
	}
	err = w.target.Put(ctx, w.rule, append(found, r)...)
	if errors.Is(err, hub.ErrDuplicateEmail) {
		if found, err = w.putTrade(ctx, found[0]); err == nil {
			err = w.target.Put(ctx, w.rule, r)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("copy a record with its user: %w", err)
	}
	return append(found, r), nil
}
