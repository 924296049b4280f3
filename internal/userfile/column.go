package userfile

import (
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/password"
)

// kind is how a value is written in JSON. In CSV each is a cell of text.
type kind = jsontext.Kind

const (
	text   kind = '"'
	flag   kind = 't'
	object kind = '{'
)

// column is one value of an account.
type column struct {
	name string
	kind kind
	// stays says that a later import leaves the value of an account as it is.
	stays bool
	read  func(u *hub.User, value string) error // checks the value and writes it into u
	show  func(u *hub.User) string              // "" if there is none
}

// passwordColumn is left out of files that are to hold no secret.
const passwordColumn = "passwordHash"

// columns lists all columns in the order in which they are written.
func columns() []column {
	return []column{
		{"userId", text, true, readID, func(u *hub.User) string { return u.ID }},
		checked("email", field.Email, func(u *hub.User) *string { return &u.Email }),
		checked("firstName", field.Name, func(u *hub.User) *string { return &u.FirstName }),
		checked("lastName", field.Name, func(u *hub.User) *string { return &u.LastName }),
		{"role", text, false, readRole, func(u *hub.User) string { return u.Role.String() }},
		flagged("isActive", func(u *hub.User) *bool { return &u.IsActive }),
		flagged("isEmailVerified", func(u *hub.User) *bool { return &u.IsEmailVerified }),
		checked("phone", field.Phone, func(u *hub.User) *string { return &u.Phone }),
		checked("avatar", field.Avatar, func(u *hub.User) *string { return &u.Avatar }),
		checked("timezone", field.Timezone, func(u *hub.User) *string { return &u.Timezone }),
		checked("locale", field.Locale, func(u *hub.User) *string { return &u.Locale }),
		{"metadata", object, false, readMetadata, func(u *hub.User) string { return string(u.Metadata) }},
		timed("createdAt", func(u *hub.User) *time.Time { return &u.CreatedAt }),
		timed("updatedAt", func(u *hub.User) *time.Time { return &u.UpdatedAt }),
		timed("lastLoginAt", func(u *hub.User) *time.Time { return &u.LastLoginAt }),
		timed("deletedAt", func(u *hub.User) *time.Time { return &u.DeletedAt }),
		{passwordColumn, text, true, readHash, func(u *hub.User) string { return u.PasswordHash.Reveal() }},
	}
}

func checked(name string, check func(string) (string, error), of func(*hub.User) *string) column {
	read := func(u *hub.User, value string) (err error) {
		*of(u), err = check(value)
		return err
	}
	return column{name, text, false, read, func(u *hub.User) string { return *of(u) }}
}

func flagged(name string, of func(*hub.User) *bool) column {
	read := func(u *hub.User, value string) error {
		switch strings.ToLower(value) {
		case "true", "t", "1":
			*of(u) = true
		case "false", "f", "0":
			*of(u) = false
		default:
			return errors.New("must be true or false")
		}
		return nil
	}
	return column{name, flag, false, read, func(u *hub.User) string {
		if *of(u) {
			return "true"
		}
		return "false"
	}}
}

// timeLayout is how the API writes times.
const timeLayout = "2006-01-02T15:04:05.000Z"

func timed(name string, of func(*hub.User) *time.Time) column {
	read := func(u *hub.User, value string) error {
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil || t.Year() < 1970 || t.Year() > 9999 {
			return errors.New("must be a time such as 2026-01-02T03:04:05Z")
		}
		*of(u) = t.UTC().Truncate(time.Millisecond)
		return nil
	}
	return column{name, text, true, read, func(u *hub.User) string {
		if of(u).IsZero() {
			return ""
		}
		return of(u).UTC().Format(timeLayout)
	}}
}

func readID(u *hub.User, value string) error {
	if !hub.IsID(value) {
		return errors.New("must be a UUID in lower case; ids of another form fit into metadata")
	}
	u.ID = value
	return nil
}

func readRole(u *hub.User, value string) error {
	role, ok := hub.ParseRole(value)
	if !ok {
		return errors.New("must be super_admin, admin, moderator, user or guest")
	}
	u.Role = role
	return nil
}

func readMetadata(u *hub.User, value string) (err error) {
	u.Metadata, err = field.Metadata([]byte(value))
	return err
}

func readHash(u *hub.User, value string) (err error) {
	u.PasswordHash, err = password.Adopt(hub.NewSecret(value))
	return err
}
