package api

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
)

// User is an account on the wire. Absent optional values are null.
type User struct {
	UserID          string  `json:"userId" format:"uuid" example:"0197a3c1-7d2e-7b3a-9c41-5e0f6a7b8c9d"`
	Email           string  `json:"email" format:"email" doc:"In canonical form: lower case, the domain as A-labels." example:"ada@example.com"`
	FirstName       string  `json:"firstName" example:"Ada"`
	LastName        string  `json:"lastName" example:"Lovelace"`
	Role            string  `json:"role" enum:"guest,user,moderator,admin,super_admin" example:"user"`
	IsActive        bool    `json:"isActive" doc:"Whether the account may be signed in to." example:"true"`
	IsEmailVerified bool    `json:"isEmailVerified" example:"true"`
	Phone           *string `json:"phone" doc:"E.164." example:"+4930123456"`
	Avatar          *string `json:"avatar" format:"uri" example:"https://example.com/ada.png"`
	Timezone        *string `json:"timezone" doc:"IANA name." example:"Europe/Berlin"`
	Locale          *string `json:"locale" doc:"BCP 47." example:"en-GB"`
	LastLoginAt     *string `json:"lastLoginAt" format:"date-time" example:"2026-01-02T03:04:05.678Z"`
	CreatedAt       string  `json:"createdAt" format:"date-time" example:"2026-01-02T03:04:05.678Z"`
	UpdatedAt       string  `json:"updatedAt" format:"date-time" doc:"Last change by somebody; a sign-in does not count." example:"2026-01-02T03:04:05.678Z"`

	Metadata jsontext.Value `json:"metadata,omitzero" nullable:"true" doc:"Only in answers to admins." example:"{\"team\":\"north\"}"`
}

// newUser shows u to somebody of the role viewer. What it returns points into u.
func newUser(u *hub.User, viewer hub.Role) User {
	out := User{
		UserID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: u.Role.String(),
		IsActive: u.IsActive, IsEmailVerified: u.IsEmailVerified,
		Phone: orNull(&u.Phone), Avatar: orNull(&u.Avatar), Timezone: orNull(&u.Timezone), Locale: orNull(&u.Locale),
		CreatedAt: hub.Timestamp(u.CreatedAt), UpdatedAt: hub.Timestamp(u.UpdatedAt),
	}
	if !u.LastLoginAt.IsZero() {
		at := hub.Timestamp(u.LastLoginAt)
		out.LastLoginAt = &at
	}
	if viewer >= hub.RoleAdmin {
		out.Metadata = jsontext.Value("null")
		if u.Metadata != nil {
			out.Metadata = u.Metadata
		}
	}
	return out
}

// userAnswer shows what a use case returned to the caller.
func userAnswer(ctx context.Context, u hub.User, err error) (User, error) {
	if err != nil {
		return User{}, err
	}
	return newUser(&u, caller(ctx).User.Role), nil
}

// caller returns who asks, or nobody.
func caller(ctx context.Context) hub.Actor {
	actor, _ := hub.ActorFrom(ctx)
	return actor
}

// Message is an answer that only says that something was done.
type Message struct {
	Message string `json:"message" doc:"A sentence for people." example:"Done."`
}

// done answers with a sentence unless there is an error.
func done(err error, message string) (Message, error) { return Message{message}, err }

func orNull(text *string) *string {
	if *text == "" {
		return nil
	}
	return text
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
