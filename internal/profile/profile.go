package profile

import (
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/password"
)

// Profile is what a person says of themselves when an account is made. Optional values may be empty.
type Profile struct {
	Email     string
	FirstName string
	LastName  string
	Phone     string
	Avatar    string
	Timezone  string
	Locale    string
}

// Patch changes some values of a profile: nil leaves a value, a pointer to the empty string clears an optional one.
type Patch struct {
	FirstName *string
	LastName  *string
	Phone     *string
	Avatar    *string
	Timezone  *string
	Locale    *string
	Metadata  *[]byte // a JSON object; a pointer to nil clears it
}

// NewUser returns an active account of the role user with this profile, without a password hash. VALIDATION_ERROR names
// everything that is wrong with the profile and the password.
func (p Profile) NewUser(policy *password.Policy, pw hub.Secret, now time.Time) (hub.User, error) {
	u := hub.User{ID: hub.NewID(), Role: hub.RoleUser, IsActive: true, CreatedAt: now, UpdatedAt: now, Version: 1}
	var c checker
	c.text("email", p.Email, field.Email, &u.Email)
	c.text("firstName", p.FirstName, field.Name, &u.FirstName)
	c.text("lastName", p.LastName, field.Name, &u.LastName)
	c.optional("phone", &p.Phone, field.Phone, &u.Phone)
	c.optional("avatar", &p.Avatar, field.Avatar, &u.Avatar)
	c.optional("timezone", &p.Timezone, field.Timezone, &u.Timezone)
	c.optional("locale", &p.Locale, field.Locale, &u.Locale)
	c.found = append(c.found, CheckPassword(policy, "password", pw, &u)...)
	if len(c.found) > 0 {
		return hub.User{}, hub.Invalid(c.found...)
	}
	return u, nil
}

// Apply checks the patch and writes it into u. It returns what is wrong, field by field; u is then of no use.
func (p Patch) Apply(u *hub.User) []hub.FieldError {
	var c checker
	if p.FirstName != nil {
		c.text("firstName", *p.FirstName, field.Name, &u.FirstName)
	}
	if p.LastName != nil {
		c.text("lastName", *p.LastName, field.Name, &u.LastName)
	}
	c.optional("phone", p.Phone, field.Phone, &u.Phone)
	c.optional("avatar", p.Avatar, field.Avatar, &u.Avatar)
	c.optional("timezone", p.Timezone, field.Timezone, &u.Timezone)
	c.optional("locale", p.Locale, field.Locale, &u.Locale)
	if p.Metadata != nil {
		u.Metadata = nil
		if len(*p.Metadata) > 0 {
			metadata, err := field.Metadata(*p.Metadata)
			c.note("metadata", err)
			u.Metadata = metadata
		}
	}
	return c.found
}

// CheckPassword checks a new password for the user u and returns what is wrong with it, under the given location.
func CheckPassword(policy *password.Policy, location string, pw hub.Secret, u *hub.User) []hub.FieldError {
	var c checker
	c.note(location, policy.Check(pw, u.Email, u.FirstName, u.LastName))
	return c.found
}

type checker struct{ found []hub.FieldError }

func (c *checker) note(location string, err error) {
	if err != nil {
		c.found = append(c.found, hub.FieldError{Location: location, Message: err.Error()})
	}
}

func (c *checker) text(location, raw string, check func(string) (string, error), to *string) {
	value, err := check(raw)
	c.note(location, err)
	*to = value
}

func (c *checker) optional(location string, raw *string, check func(string) (string, error), to *string) {
	switch {
	case raw == nil:
	case *raw == "":
		*to = ""
	default:
		c.text(location, *raw, check, to)
	}
}
