package mongostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// userFields returns the document of u, stored as the given version.
func userFields(u *hub.User, version int64) bson.D {
	var metadata any
	if u.Metadata != nil { // as a text: an object would lose the order of names and the spelling of numbers
		metadata = text(string(u.Metadata))
	}
	return bson.D{
		{Key: "userId", Value: text(u.ID)},
		{Key: "email", Value: text(u.Email)},
		{Key: "passwordHash", Value: text(u.PasswordHash.Reveal())},
		{Key: "firstName", Value: text(u.FirstName)},
		{Key: "lastName", Value: text(u.LastName)},
		{Key: "role", Value: u.Role.String()},
		{Key: "isActive", Value: u.IsActive},
		{Key: "isEmailVerified", Value: u.IsEmailVerified},
		{Key: "phone", Value: text(u.Phone)},
		{Key: "avatar", Value: text(u.Avatar)},
		{Key: "timezone", Value: text(u.Timezone)},
		{Key: "locale", Value: text(u.Locale)},
		{Key: "lastLoginAt", Value: orNull(u.LastLoginAt)},
		{Key: "createdAt", Value: at(u.CreatedAt)},
		{Key: "updatedAt", Value: at(u.UpdatedAt)},
		{Key: "deletedAt", Value: orNull(u.DeletedAt)},
		{Key: "metadata", Value: metadata},
		{Key: "sessionEpoch", Value: u.SessionEpoch},
		{Key: "keptSession", Value: text(u.KeptSession)},
		{Key: "mailTokens", Value: bson.D{
			{Key: "verification", Value: text(u.MailTokens.Verification)},
			{Key: "reset", Value: text(u.MailTokens.Reset)},
			{Key: "emailChange", Value: text(u.MailTokens.EmailChange)},
		}},
		{Key: "mailedAt", Value: instants(u.MailedAt)},
		{Key: "lastNameFolded", Value: hub.Fold(u.LastName)},
		{Key: "fullNameFolded", Value: foldedFullName(u)},
		{Key: "version", Value: version},
	}
}

func foldedFullName(u *hub.User) string { return hub.Fold(u.FirstName + " " + u.LastName) }

// userDocument is a document of users as it is read: a user, or the tombstone of one.
type userDocument struct {
	user               hub.User
	lastName, fullName string // folded
	purgedAt           time.Time
}

func readUserDocument(raw bson.Raw) (d userDocument, err error) {
	u := &d.user
	err = readFields(raw, func(r *reader, name string, v bson.RawValue) {
		switch name {
		case "userId":
			u.ID = r.text(v)
		case "email":
			u.Email = r.text(v)
		case "passwordHash":
			u.PasswordHash = hub.NewSecret(r.text(v))
		case "firstName":
			u.FirstName = r.text(v)
		case "lastName":
			u.LastName = r.text(v)
		case "role":
			u.Role = r.role(v)
		case "isActive":
			u.IsActive = r.flag(v)
		case "isEmailVerified":
			u.IsEmailVerified = r.flag(v)
		case "phone":
			u.Phone = r.text(v)
		case "avatar":
			u.Avatar = r.text(v)
		case "timezone":
			u.Timezone = r.text(v)
		case "locale":
			u.Locale = r.text(v)
		case "lastLoginAt":
			u.LastLoginAt = r.instant(v)
		case "createdAt":
			u.CreatedAt = r.instant(v)
		case "updatedAt":
			u.UpdatedAt = r.instant(v)
		case "deletedAt":
			if v.Type != bson.TypeBoolean { // a tombstone's
				u.DeletedAt = r.instant(v)
			}
		case "metadata":
			u.Metadata = r.json(v)
		case "purgedAt":
			d.purgedAt = r.instant(v)
		case "lastNameFolded":
			d.lastName = r.text(v)
		case "fullNameFolded":
			d.fullName = r.text(v)
		default:
			readUserState(u, r, name, v)
		}
	})
	if err != nil {
		return userDocument{}, fmt.Errorf("user cannot be read: %w", err)
	}
	return d, nil
}

// readUserState reads the fields that the original system does not have.
func readUserState(u *hub.User, r *reader, name string, v bson.RawValue) {
	switch name {
	case "sessionEpoch":
		u.SessionEpoch = r.number(v)
	case "keptSession":
		u.KeptSession = r.text(v)
	case "mailTokens":
		r.document(v, func(r *reader, name string, v bson.RawValue) {
			switch name {
			case "verification":
				u.MailTokens.Verification = r.text(v)
			case "reset":
				u.MailTokens.Reset = r.text(v)
			case "emailChange":
				u.MailTokens.EmailChange = r.text(v)
			}
		})
	case "mailedAt":
		u.MailedAt = r.instants(v)
	case "version":
		u.Version = r.number(v)
	}
}

// readUser reads a user. ErrNotFound for a tombstone.
func readUser(raw bson.Raw) (hub.User, error) {
	d, err := readUserDocument(raw)
	switch {
	case err != nil:
		return hub.User{}, err
	case !d.purgedAt.IsZero():
		return hub.User{}, hub.ErrNotFound
	}
	return d.user, nil
}

// readTombstone reads a tombstone. ErrNotFound for a user.
func readTombstone(raw bson.Raw) (hub.Tombstone, error) {
	d, err := readUserDocument(raw)
	switch {
	case err != nil:
		return hub.Tombstone{}, err
	case d.purgedAt.IsZero():
		return hub.Tombstone{}, hub.ErrNotFound
	}
	return hub.Tombstone{UserID: d.user.ID, Version: d.user.Version, PurgedAt: d.purgedAt}, nil
}

// AddUser implements hub.UserStore.
func (s *Store) AddUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) error {
	const what = "add user"
	var leave func(taken bool)
	err := s.do(ctx, what, func(ctx context.Context) (err error) {
		leave, err = s.addresses.enter(ctx, u.Email)
		return err
	})
	if err != nil {
		return err
	}
	if leave == nil {
		return wrap(ctx, what, hub.ErrDuplicateEmail)
	}
	taken := false
	defer func() { leave(taken) }()
	err = s.apply(ctx, change{what: what, in: s.users, id: u.ID, set: userFields(&u, 1), isNew: true, out: records(&e, mails)})
	taken = err == nil || errors.Is(err, hub.ErrDuplicateEmail)
	return err
}

// UserByID implements hub.UserStore.
func (s *Store) UserByID(ctx context.Context, id string) (hub.User, error) {
	return s.user(ctx, "read user by id", "userId", id)
}

// UserByEmail implements hub.UserStore.
func (s *Store) UserByEmail(ctx context.Context, email string) (hub.User, error) {
	return s.user(ctx, "read user by e-mail", "email", email)
}

func (s *Store) user(ctx context.Context, what, field, value string) (u hub.User, err error) {
	err = s.findOne(ctx, what, s.users.Collection, bson.D{{Key: field, Value: text(value)}}, func(raw bson.Raw) error {
		u, err = readUser(raw)
		return err
	})
	return u, err
}

// PurgeableUsers implements hub.UserStore. A deleted user is restorable until its own time has come, verified or not.
func (s *Store) PurgeableUsers(ctx context.Context, deletedBefore, unverifiedBefore time.Time, limit int) ([]hub.User, error) {
	var users []hub.User
	if !deletedBefore.IsZero() && limit > 0 {
		var err error
		users, err = findAll(ctx, s, "list deleted users", s.users.Collection,
			bson.D{{Key: "deletedAt", Value: bson.D{{Key: "$lt", Value: at(deletedBefore)}}}},
			options.Find().SetSort(bson.D{{Key: "deletedAt", Value: 1}}).SetLimit(int64(limit)), readUser)
		if err != nil {
			return nil, err
		}
	}
	if left := limit - len(users); !unverifiedBefore.IsZero() && left > 0 {
		unverified, err := findAll(ctx, s, "list unverified users", s.users.Collection, bson.D{
			{Key: "isEmailVerified", Value: false},
			{Key: "createdAt", Value: bson.D{{Key: "$lt", Value: at(unverifiedBefore)}}},
			{Key: "deletedAt", Value: nil},
			{Key: "role", Value: bson.D{{Key: "$in", Value: []string{hub.RoleGuest.String(), hub.RoleUser.String()}}}},
		}, options.Find().SetSort(bson.D{{Key: "createdAt", Value: 1}}).SetLimit(int64(left)), readUser)
		if err != nil {
			return nil, err
		}
		users = append(users, unverified...)
	}
	return users, nil
}

// role is a role by its name.
func (r *reader) role(v bson.RawValue) hub.Role {
	role, ok := hub.ParseRole(r.text(v))
	if !ok && r.err == nil {
		r.err = errors.New("field role holds no role")
	}
	return role
}
