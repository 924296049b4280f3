package api

import (
	"context"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/auth"
	"github.com/a64core/hub/internal/profile"
)

// Registration is what somebody gives to get an account.
type Registration struct {
	Email     string     `json:"email" format:"email" maxLength:"254" doc:"Plus tags and dots are significant." example:"ada@example.com"`
	Password  hub.Secret `json:"password" format:"password" minLength:"8" maxLength:"128" doc:"At least one upper-case and one lower-case letter, one digit and one other character; not a well-known password, nor the own name or address. At most 512 bytes." example:"Analytical-Engine-1843"`
	FirstName string     `json:"firstName" minLength:"1" maxLength:"100" example:"Ada"`
	LastName  string     `json:"lastName" minLength:"1" maxLength:"100" example:"Lovelace"`
	Phone     *string    `json:"phone,omitempty" nullable:"true" minLength:"1" maxLength:"16" doc:"E.164: a plus sign, country code and number." example:"+4930123456"`
	Avatar    *string    `json:"avatar,omitempty" nullable:"true" minLength:"1" maxLength:"500" format:"uri" doc:"An http or https URL. It is never fetched." example:"https://example.com/ada.png"`
	Timezone  *string    `json:"timezone,omitempty" nullable:"true" minLength:"1" maxLength:"50" doc:"IANA name." example:"Europe/Berlin"`
	Locale    *string    `json:"locale,omitempty" nullable:"true" minLength:"1" maxLength:"10" doc:"BCP 47." example:"en-GB"`
}

func (in Registration) profile() profile.Profile {
	return profile.Profile{
		Email: in.Email, FirstName: in.FirstName, LastName: in.LastName,
		Phone: orEmpty(in.Phone), Avatar: orEmpty(in.Avatar), Timezone: orEmpty(in.Timezone), Locale: orEmpty(in.Locale),
	}
}

func (a *API) register(ctx context.Context, in Registration) (User, error) {
	u, err := a.Auth.Register(ctx, in.profile(), in.Password)
	return userAnswer(ctx, u, err)
}

// Credentials are what one signs in with.
type Credentials struct {
	Email    string     `json:"email" format:"email" minLength:"1" maxLength:"320" example:"ada@example.com"`
	Password hub.Secret `json:"password" format:"password" minLength:"1" example:"Analytical-Engine-1843"`
}

// Tokens are what a client gets to act for a user.
type Tokens struct {
	AccessToken  string `json:"accessToken" doc:"Goes into the Authorization header of every request." example:"eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl"`
	RefreshToken string `json:"refreshToken" doc:"Good for exactly one refresh. Keep it where scripts of other sites cannot read it." example:"eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"`
	TokenType    string `json:"tokenType" enum:"bearer" example:"bearer"`
	ExpiresIn    int64  `json:"expiresIn" doc:"Seconds until the access token expires." example:"3600"`
	User         User   `json:"user"`
}

func newTokens(t auth.Tokens, err error) (Tokens, error) {
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		AccessToken: t.Access.Reveal(), RefreshToken: t.Refresh.Reveal(), TokenType: "bearer",
		ExpiresIn: int64(t.ExpiresIn / time.Second), User: newUser(&t.User, t.User.Role),
	}, nil
}

func (a *API) login(ctx context.Context, in Credentials) (Tokens, error) {
	return newTokens(a.Auth.Login(ctx, in.Email, in.Password))
}

// RefreshRequest presents a refresh token.
type RefreshRequest struct {
	RefreshToken hub.Secret `json:"refreshToken" minLength:"1" maxLength:"8192" example:"eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"`
}

func (a *API) refresh(ctx context.Context, in RefreshRequest) (Tokens, error) {
	return newTokens(a.Auth.Refresh(ctx, in.RefreshToken))
}

// LogoutRequest says which session to end.
type LogoutRequest struct {
	RefreshToken *hub.Secret `json:"refreshToken,omitempty" nullable:"true" minLength:"1" maxLength:"8192" doc:"Ends the session it belongs to. Left out or null: all sessions end." example:"eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"`
}

func (a *API) logout(ctx context.Context, in LogoutRequest) (Message, error) {
	if in.RefreshToken != nil && in.RefreshToken.IsZero() { // null: the decoder lets no empty token through
		in.RefreshToken = nil
	}
	return done(a.Auth.Logout(ctx, in.RefreshToken), "Signed out.")
}

func (a *API) me(ctx context.Context, _ none) (User, error) {
	return userAnswer(ctx, caller(ctx).User, nil)
}

func (a *API) sendVerification(ctx context.Context, _ none) (Message, error) {
	return done(a.Auth.SendVerification(ctx), "A verification mail is on its way.")
}

// MailTokenRequest presents a token that came by mail.
type MailTokenRequest struct {
	Token hub.Secret `json:"token" minLength:"1" maxLength:"8192" doc:"From the link in the mail." example:"eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiZW1haWxfdmVyaWZpY2F0aW9uIn0.c2lnbmF0dXJl"`
}

func (a *API) verifyEmail(ctx context.Context, in MailTokenRequest) (User, error) {
	u, err := a.Auth.VerifyEmail(ctx, in.Token)
	return userAnswer(ctx, u, err)
}

// ResetRequest asks for a mail with a link that resets the password.
type ResetRequest struct {
	Email string `json:"email" format:"email" minLength:"1" maxLength:"320" example:"ada@example.com"`
}

func (a *API) requestPasswordReset(ctx context.Context, in ResetRequest) (Message, error) {
	return done(a.Auth.RequestPasswordReset(ctx, in.Email), "If the address has an account, a mail is on its way to it.")
}

// PasswordReset spends a reset token for a new password.
type PasswordReset struct {
	Token       hub.Secret `json:"token" minLength:"1" maxLength:"8192" doc:"From the link in the mail." example:"eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicGFzc3dvcmRfcmVzZXQifQ.c2lnbmF0dXJl"`
	NewPassword hub.Secret `json:"newPassword" format:"password" minLength:"8" maxLength:"128" doc:"By the rules for passwords at registration." example:"Difference-Engine-1822"`
}

func (a *API) resetPassword(ctx context.Context, in PasswordReset) (Message, error) {
	return done(a.Auth.ResetPassword(ctx, in.Token, in.NewPassword), "The password is changed. Sign in with the new one.")
}

// EmailChange asks for another address.
type EmailChange struct {
	CurrentPassword hub.Secret `json:"currentPassword" format:"password" minLength:"1" example:"Analytical-Engine-1843"`
	NewEmail        string     `json:"newEmail" format:"email" minLength:"1" maxLength:"254" example:"countess@example.com"`
}

func (a *API) changeEmail(ctx context.Context, in EmailChange) (Message, error) {
	return done(a.Auth.ChangeEmail(ctx, in.CurrentPassword, in.NewEmail), "Follow the link in the mail to the new address to make the change.")
}

// PasswordChange replaces the own password.
type PasswordChange struct {
	CurrentPassword hub.Secret `json:"currentPassword" format:"password" minLength:"1" example:"Analytical-Engine-1843"`
	NewPassword     hub.Secret `json:"newPassword" format:"password" minLength:"8" maxLength:"128" doc:"By the rules for passwords at registration." example:"Difference-Engine-1822"`
}

func (a *API) changePassword(ctx context.Context, in PasswordChange) (Message, error) {
	return done(a.Auth.ChangePassword(ctx, in.CurrentPassword, in.NewPassword), "The password is changed. Your other sessions have ended.")
}
