package archive

import (
	"fmt"
	"hash/maphash"

	"github.com/a64core/hub"
)

// Check looks for what does not hold among the records of an archive. It remembers hashes and numbers of each user, and nothing
// else of them.
type Check struct {
	seed   maphash.Seed
	users  map[uint64]facts
	epochs map[uint64]int64 // the highest one in which a session of the user began, by the user; 0 for mail tokens alone
	purged map[uint64]bool
}

// facts are what is remembered of a user.
type facts struct {
	version, epoch int64
	email          uint64
	isSuperAdmin   bool
	guards         bool
}

// NewCheck returns a check of an archive of which nothing was read yet.
func NewCheck() *Check {
	return &Check{seed: maphash.MakeSeed(), users: make(map[uint64]facts), epochs: make(map[uint64]int64), purged: make(map[uint64]bool)}
}

func (c *Check) hash(text string) uint64 { return maphash.String(c.seed, text) }

// Add looks at records, in whatever order.
func (c *Check) Add(records ...hub.Record) {
	for _, r := range records {
		switch {
		case r.User != nil:
			id := c.hash(r.User.ID)
			if known, ok := c.users[id]; !ok || known.version <= r.User.Version {
				c.users[id] = facts{
					version: r.User.Version, epoch: r.User.SessionEpoch, email: c.hash(r.User.Email),
					isSuperAdmin: r.User.Role == hub.RoleSuperAdmin && !r.User.IsDeleted(), guards: r.User.GuardsSystem(),
				}
			}
		case r.Session != nil:
			id := c.hash(r.Session.UserID)
			c.epochs[id] = max(c.epochs[id], r.Session.Epoch)
		case r.MailToken != nil:
			id := c.hash(r.MailToken.UserID)
			c.epochs[id] = max(c.epochs[id], 0)
		case r.Tombstone != nil:
			c.purged[c.hash(r.Tombstone.UserID)] = true
		case r.Event != nil && r.Event.Kind == hub.EventUserPurged: // a single database keeps no tombstone
			c.purged[c.hash(r.Event.TargetID)] = true
		}
	}
}

// Users returns how many users there are, each counted once, without those who were purged while the archive was written.
func (c *Check) Users() int {
	n := len(c.users)
	for id := range c.purged {
		if _, ok := c.users[id]; ok {
			n--
		}
	}
	return n
}

// Findings returns what does not hold, as sentences.
func (c *Check) Findings() (findings []string) {
	orphans, premature := 0, 0
	for id, epoch := range c.epochs {
		switch u, ok := c.users[id]; {
		case ok && epoch > u.epoch:
			premature++
		case !ok && !c.purged[id]:
			orphans++
		}
	}
	addresses := make(map[uint64]bool, len(c.users))
	shared, superAdmins, guards := 0, 0, 0
	for id, u := range c.users {
		if c.purged[id] {
			continue
		}
		if addresses[u.email] {
			shared++
		}
		addresses[u.email] = true
		if u.isSuperAdmin {
			superAdmins++
		}
		if u.guards {
			guards++
		}
	}
	for _, f := range []struct {
		n    int
		text string
	}{
		{orphans, "users who have sessions or mail tokens are missing: %d"},
		{premature, "users who have sessions of an epoch that they have not reached: %d"},
		{shared, "users who have the address of another user: %d"},
	} {
		if f.n > 0 {
			findings = append(findings, fmt.Sprintf(f.text, f.n))
		}
	}
	if superAdmins > 0 && guards == 0 {
		findings = append(findings, "none of the super_admins is active")
	}
	return findings
}
