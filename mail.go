package hub

import "time"

// MailKind names a template and what the worker does before sending it.
type MailKind string

// The kinds of mail.
const (
	MailVerification     MailKind = "verification"       // confirm the address; carries a link
	MailReset            MailKind = "reset"              // choose a new password; carries a link
	MailEmailChange      MailKind = "email_change"       // to the new address: confirm it; carries a link
	MailEmailChangeAsked MailKind = "email_change_asked" // to the present address: somebody asked for a change
	MailEmailChanged     MailKind = "email_changed"      // to the former address: the change was made
	MailPasswordChanged  MailKind = "password_changed"
	MailEmailTaken       MailKind = "email_taken" // somebody tried to register an address that has an account
	MailAccountLocked    MailKind = "account_locked"
)

// MailState says how far a mail is.
type MailState string

// The states of a mail. Dropped means that there was nothing to send: nobody has the address, the account is gone or
// the hourly limit was reached. Dead means that sending was given up.
const (
	MailQueued  MailState = "queued"
	MailSent    MailState = "sent"
	MailDropped MailState = "dropped"
	MailDead    MailState = "dead"
)

// Mail is an entry of the mail queue. It holds what is needed to make the message when it is sent, never a link or a
// token: those are made at that moment.
type Mail struct {
	ID     string
	Kind   MailKind
	To     string // canonical address
	UserID string // empty where the request may name nobody: the worker looks the address up

	State     MailState
	Attempts  int
	DueAt     time.Time // not before; while a worker holds the mail, the time at which another may take it over
	LastError string    // why the last attempt failed, without addresses or secrets
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64 // raised by every change; 1 when added
}

// NewMail returns a mail of the given kind that is due now.
func NewMail(kind MailKind, userID, to string, now time.Time) Mail {
	return Mail{
		ID: NewID(), Kind: kind, To: to, UserID: userID,
		State: MailQueued, DueAt: now, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
}
