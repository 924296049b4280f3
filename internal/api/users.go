package api

import (
	"context"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/users"
)

// userID returns the id in the path, which may be anything, or, under /users/me, the caller's own.
func userID(ctx context.Context) string {
	params := chi.RouteContext(ctx).URLParams
	if i := slices.Index(params.Keys, "userId"); i >= 0 {
		return params.Values[i]
	}
	return caller(ctx).User.ID
}

// NewUser is an account that an admin makes for somebody.
type NewUser struct {
	Registration
	Role            *string `json:"role,omitempty" enum:"guest,user,moderator,admin,super_admin" doc:"Below the own role; a super_admin may give any. Left out: user." example:"moderator"`
	IsEmailVerified *bool   `json:"isEmailVerified,omitempty" doc:"True: the address is known to be theirs, and no verification mail goes out." example:"true"`
}

func (a *API) createUser(ctx context.Context, in NewUser) (User, error) {
	n := users.New{
		Profile: in.profile(), Password: in.Password, IsEmailVerified: in.IsEmailVerified != nil && *in.IsEmailVerified,
	}
	n.Role, _ = hub.ParseRole(orEmpty(in.Role)) // left out: the zero role, which stands for user
	u, err := a.Users.Create(ctx, n)
	return userAnswer(ctx, u, err)
}

func (a *API) viewUser(ctx context.Context, _ none) (User, error) {
	u, err := a.Users.View(ctx, userID(ctx))
	return userAnswer(ctx, u, err)
}

// UserPatch changes what it names.
type UserPatch struct {
	FirstName *string         `json:"firstName,omitempty" minLength:"1" maxLength:"100" example:"Ada"`
	LastName  *string         `json:"lastName,omitempty" minLength:"1" maxLength:"100" example:"King"`
	Phone     *string         `json:"phone,omitempty" nullable:"true" minLength:"1" maxLength:"16" doc:"E.164. Null clears it." example:"+4930123456"`
	Avatar    *string         `json:"avatar,omitempty" nullable:"true" minLength:"1" maxLength:"500" format:"uri" doc:"An http or https URL. Null clears it." example:"https://example.com/ada.png"`
	Timezone  *string         `json:"timezone,omitempty" nullable:"true" minLength:"1" maxLength:"50" doc:"IANA name. Null clears it." example:"Europe/Berlin"`
	Locale    *string         `json:"locale,omitempty" nullable:"true" minLength:"1" maxLength:"10" doc:"BCP 47. Null clears it." example:"en-GB"`
	Metadata  *jsontext.Value `json:"metadata,omitempty" nullable:"true" doc:"An object of at most 16 KiB, which replaces the present one. Admins only. Null clears it." example:"{\"team\":\"north\"}"`
}

func (a *API) updateUser(ctx context.Context, in UserPatch) (User, error) {
	u, err := a.Users.Update(ctx, userID(ctx), users.Patch{
		FirstName: in.FirstName, LastName: in.LastName, Phone: in.Phone, Avatar: in.Avatar,
		Timezone: in.Timezone, Locale: in.Locale, Metadata: (*[]byte)(in.Metadata),
	})
	return userAnswer(ctx, u, err)
}

func (a *API) deleteUser(ctx context.Context, _ none) (none, error) {
	return none{}, a.Users.Delete(ctx, userID(ctx))
}

// RoleChange gives somebody another role.
type RoleChange struct {
	Role string `json:"role" enum:"guest,user,moderator,admin,super_admin" doc:"Below the own role; a super_admin may give any." example:"moderator"`
}

func (a *API) changeRole(ctx context.Context, in RoleChange) (User, error) {
	role, _ := hub.ParseRole(in.Role) // the decoder lets no other name through
	u, err := a.Users.ChangeRole(ctx, userID(ctx), role)
	return userAnswer(ctx, u, err)
}

func (a *API) activateUser(ctx context.Context, _ none) (User, error) {
	u, err := a.Users.Activate(ctx, userID(ctx))
	return userAnswer(ctx, u, err)
}

func (a *API) deactivateUser(ctx context.Context, _ none) (User, error) {
	u, err := a.Users.Deactivate(ctx, userID(ctx))
	return userAnswer(ctx, u, err)
}

func (a *API) restoreUser(ctx context.Context, _ none) (User, error) {
	u, err := a.Users.Restore(ctx, userID(ctx))
	return userAnswer(ctx, u, err)
}
