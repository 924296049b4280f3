package token

// Kind says what a token may be used for. It is the claim `type`.
type Kind string

// The kinds. The last three are sent by mail and named as [hub.MailTokenPurpose] names them.
const (
	Access       Kind = "access"
	Refresh      Kind = "refresh"
	Verification Kind = "email_verification"
	Reset        Kind = "password_reset"
	EmailChange  Kind = "email_change"
)

// carries says which claims a kind has besides those that all have. What it does not carry must be absent.
type carries struct {
	tokenID bool // the token is kept in a store under this id, which jti repeats
	session bool
	email   bool
	role    bool
}

func (k Kind) carries() (c carries, ok bool) {
	switch k {
	case Access:
		return carries{session: true, email: true, role: true}, true
	case Refresh:
		return carries{tokenID: true, session: true}, true
	case Verification, Reset, EmailChange:
		return carries{tokenID: true, email: true}, true
	}
	return carries{}, false
}
