package token

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
)

// Claims is what a token says. Access tokens have all of it, refresh tokens no Email and Role, mail tokens no SessionID
// and Role.
type Claims struct {
	Kind      Kind
	ID        string // of this token; for refresh and mail tokens the id in the store
	UserID    string
	SessionID string
	Email     string
	Role      hub.Role

	// The times are whole seconds in UTC; [Issuer.Issue] cuts what is below.
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// payload is the claims on the wire. The order of the fields is the order in a token, and so part of its hash: tokens
// kept by hash can only be made again while it stays as it is.
type payload struct {
	UserID    string   `json:"userId"`
	TokenID   string   `json:"tokenId,omitzero"`
	Email     string   `json:"email,omitzero"`
	Role      string   `json:"role,omitzero"`
	Type      Kind     `json:"type"`
	Subject   string   `json:"sub"`
	SessionID string   `json:"sid,omitzero"`
	ID        string   `json:"jti"`
	Issuer    string   `json:"iss"`
	Audience  audience `json:"aud"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf,omitzero"`
	ExpiresAt int64    `json:"exp"`
}

// audience is one text or a list of them (RFC 7519, section 4.1.3). We write the former.
type audience []string

// MarshalJSONTo implements [json.MarshalerTo].
func (a audience) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(a) == 1 {
		return enc.WriteToken(jsontext.String(a[0]))
	}
	return json.MarshalEncode(enc, []string(a))
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (a *audience) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '[' {
		return json.UnmarshalDecode(dec, (*[]string)(a))
	}
	one, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if one.Kind() != '"' {
		return errors.New("aud is neither a text nor a list of texts")
	}
	*a = audience{one.String()}
	return nil
}

func (i *Issuer) payload(c Claims) payload {
	p := payload{
		UserID: c.UserID, Email: c.Email, Type: c.Kind, Subject: c.UserID, SessionID: c.SessionID, ID: c.ID,
		Issuer: i.issuer, Audience: audience{i.audience},
		IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
	}
	if kept, _ := c.Kind.carries(); kept.tokenID {
		p.TokenID = c.ID
	}
	if c.Role != 0 {
		p.Role = c.Role.String()
	}
	return p
}

func (p *payload) claims() Claims {
	role, _ := hub.ParseRole(p.Role)
	return Claims{
		Kind: p.Type, ID: p.ID, UserID: p.UserID, SessionID: p.SessionID, Email: p.Email, Role: role,
		IssuedAt: time.Unix(p.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(p.ExpiresAt, 0).UTC(),
	}
}

// maxTime is the last second of the year 9999, the last that RFC 3339 can write.
const maxTime = 253402300799

// isComplete reports whether p has every claim of its kind in the form it must have, and no claim of another kind. The
// same rule holds for what we sign and for what we accept.
func (p *payload) isComplete() bool {
	has, ok := p.Type.carries()
	if !ok || !hub.IsID(p.UserID) || !hub.IsID(p.ID) || p.Subject != p.UserID {
		return false
	}
	return matches(has.tokenID, p.TokenID, p.TokenID == p.ID) &&
		matches(has.session, p.SessionID, hub.IsID(p.SessionID)) &&
		matches(has.email, p.Email, p.Email != "") &&
		matches(has.role, p.Role, isRole(p.Role)) &&
		isTime(p.IssuedAt) && isTime(p.ExpiresAt) && (p.NotBefore == 0 || isTime(p.NotBefore))
}

// matches reports whether a claim that must be there is right, or one that must not be there is absent.
func matches(wanted bool, value string, right bool) bool {
	if wanted {
		return right
	}
	return value == ""
}

func isRole(name string) bool {
	_, ok := hub.ParseRole(name)
	return ok
}

func isTime(seconds int64) bool { return 0 < seconds && seconds <= maxTime }
