package app

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"

	"github.com/a64core/hub"
)

// maxRereads bounds how many pages of users are read again.
const maxRereads = 10_000

// userPages reads users who change meanwhile, so that what holds among them at any moment holds in the archive as well:
// addresses are unique, and a super_admin is active.
//
// A user may give up an address after being read, and another take it before being read. Then the archive would hold both with
// it. So it is remembered who was read with which address, and the page of the former holder is read again: whoever it is has
// another address by now. The archive then holds that user twice, and the later version counts. This takes
// memory for each user: two hashes and a number.
type userPages struct {
	*reading
	seed    maphash.Seed
	holders map[uint64]holder // by the address
	guards  map[uint64]bool   // who was last read as an active super_admin
	ends    []string          // the last id of each page
	rereads int
}

// holder is who was read with an address, and where.
type holder struct {
	user uint64
	page int32
}

func newUserPages(r *reading) *userPages {
	return &userPages{reading: r, seed: maphash.MakeSeed(), holders: make(map[uint64]holder), guards: make(map[uint64]bool)}
}

// add adds the next page to the archive, with whatever has to be read again because of it.
func (p *userPages) add(ctx context.Context, records []hub.Record) error {
	if len(records) == 0 {
		return nil
	}
	p.ends = append(p.ends, records[len(records)-1].Key().ID)
	return p.take(ctx, records)
}

// take adds users wherever they are.
func (p *userPages) take(ctx context.Context, records []hub.Record) error {
	again, err := p.note(records)
	for err == nil && len(again) > 0 {
		if p.rereads++; p.rereads > maxRereads {
			return errors.New("users trade addresses faster than they can be read: try again later")
		}
		number := again[0]
		again = again[1:]
		var more []int32
		if more, err = p.reread(ctx, number); err == nil {
			again = append(again, more...)
		}
	}
	return err
}

// note adds users, and returns the pages where others were read with the same addresses.
func (p *userPages) note(records []hub.Record) (again []int32, err error) {
	for _, r := range records {
		number, _ := slices.BinarySearch(p.ends, r.User.ID)
		address, now := maphash.String(p.seed, r.User.Email), holder{maphash.String(p.seed, r.User.ID), int32(number)}
		if before, ok := p.holders[address]; ok && before.user != now.user && !slices.Contains(again, before.page) {
			again = append(again, before.page)
		}
		p.holders[address] = now
		if r.User.GuardsSystem() {
			p.guards[now.user] = true
		} else {
			delete(p.guards, now.user)
		}
	}
	return again, p.out.Add(records...)
}

// reread reads a page again.
func (p *userPages) reread(ctx context.Context, number int32) (again []int32, err error) {
	q := p.query
	q.Kind = hub.RecordUser
	if number > 0 {
		q.After = p.ends[number-1]
	}
	if int(number) < len(p.ends) {
		q.UpTo = p.ends[number]
	}
	for {
		records, err := p.view.Scan(ctx, q)
		if err != nil {
			return nil, err
		}
		more, err := p.note(records)
		if err != nil {
			return nil, err
		}
		again = append(again, more...)
		if len(records) < q.Limit {
			return again, nil
		}
		q.After = records[len(records)-1].Key().ID
	}
}

// settle adds the active super_admins as they are in the end, if none was read: one of them may have been made one after being
// read, and another, who was one until then, may have been read as none any more.
func (p *userPages) settle(ctx context.Context) error {
	if len(p.guards) > 0 {
		return nil
	}
	active := true
	found, err := p.db.Users(ctx, hub.UserQuery{Role: hub.RoleSuperAdmin, IsActive: &active, Limit: page})
	if err != nil {
		return err
	}
	records := make([]hub.Record, len(found.Users))
	for i := range found.Users {
		records[i].User = &found.Users[i]
	}
	return p.take(ctx, records)
}
