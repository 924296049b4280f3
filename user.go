package hub

import (
	"slices"
	"strings"
	"time"
)

// User is an account. Times are UTC with millisecond precision; the zero time and the empty string mean "absent".
type User struct {
	ID           string
	Email        string // canonical, unique among all users, deleted ones included
	PasswordHash Secret
	FirstName    string
	LastName     string
	Role         Role

	IsActive        bool
	IsEmailVerified bool

	Phone    string // E.164
	Avatar   string // http(s) URL
	Timezone string // IANA name
	Locale   string // BCP 47
	Metadata []byte // a JSON object, nil if none

	LastLoginAt time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time // last change by somebody; a login does not count
	DeletedAt   time.Time // soft deletion

	// SessionEpoch is raised to end all sessions at once: only those begun in the present epoch are alive.
	SessionEpoch int64
	// KeptSession is the one session of an earlier epoch that outlived the last change of SessionEpoch, if any.
	KeptSession string
	// MailTokens holds for each purpose the id of the only mail token that may still be used. Removing an id voids the
	// token, and replacing it leaves only the newest, in the same write as whatever made that necessary.
	MailTokens MailTokenIDs
	// MailedAt are the times of the latest mails that count against the hourly limit, oldest first.
	MailedAt []time.Time

	Version int64 // raised by every change; 1 when added
}

// MailTokenIDs are ids of mail tokens by purpose; see [User.MailTokens].
type MailTokenIDs struct {
	Verification string
	Reset        string
	EmailChange  string
}

// Of returns the id for the purpose p.
func (m *MailTokenIDs) Of(p MailTokenPurpose) *string {
	switch p {
	case PurposeVerification:
		return &m.Verification
	case PurposeReset:
		return &m.Reset
	case PurposeEmailChange:
		return &m.EmailChange
	}
	return new(string)
}

// IsDeleted reports whether the user is softly deleted.
func (u *User) IsDeleted() bool { return !u.DeletedAt.IsZero() }

// IsUsable reports whether the account may be signed in to: active and not deleted.
func (u *User) IsUsable() bool { return u.IsActive && !u.IsDeleted() }

// GuardsSystem reports whether the user is one of the active super_admins, of which at least one must remain.
func (u *User) GuardsSystem() bool { return u.Role == RoleSuperAdmin && u.IsUsable() }

// EndSessions ends every session of the user, those included that are being begun or refreshed at this moment, except
// the session with the id keep. An empty keep spares none.
func (u *User) EndSessions(keep string) {
	u.SessionEpoch++
	u.KeptSession = keep
}

// VoidMailTokens makes every mail token of the user worthless.
func (u *User) VoidMailTokens() { u.MailTokens = MailTokenIDs{} }

// TakeMailQuota counts one mail at the time now and reports whether it is within limit mails an hour. A limit of zero
// or less means no limit.
func (u *User) TakeMailQuota(now time.Time, limit int) bool {
	if limit <= 0 {
		return true
	}
	recent := slices.DeleteFunc(slices.Clone(u.MailedAt), func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	if len(recent) >= limit {
		return false
	}
	u.MailedAt = append(recent, now)
	return true
}

// Fold maps a text to the form in which names are searched: prefixes are compared on folded texts, byte by byte.
func Fold(text string) string { return strings.ToLower(text) }
