package hub

import (
	"context"
	"time"
)

// EventKind names what happened, as "noun.past participle".
type EventKind string

// The events. Those under "refused" describe something that was not done.
const (
	EventUserRegistered    EventKind = "user.registered"
	EventUserCreated       EventKind = "user.created"
	EventUserImported      EventKind = "user.imported" // added or updated from a file
	EventUserUpdated       EventKind = "user.updated"
	EventUserDeleted       EventKind = "user.deleted"
	EventUserRestored      EventKind = "user.restored"
	EventUserPurged        EventKind = "user.purged"
	EventUserActivated     EventKind = "user.activated"
	EventUserDeactivated   EventKind = "user.deactivated"
	EventRoleChanged       EventKind = "user.role_changed"
	EventEmailVerified     EventKind = "email.verified"
	EventEmailChanged      EventKind = "email.changed"
	EventEmailChangeAsked  EventKind = "email.change_requested"
	EventVerificationAsked EventKind = "email.verification_requested"
	EventMailTokenIssued   EventKind = "mail_token.issued"
	EventMailCounted       EventKind = "mail.counted"
	EventResetAsked        EventKind = "password.reset_requested"
	EventPasswordReset     EventKind = "password.reset"
	EventPasswordChanged   EventKind = "password.changed"
	EventPasswordRehashed  EventKind = "password.rehashed"
	EventSessionStarted    EventKind = "session.started"
	EventSessionRefreshed  EventKind = "session.refreshed"
	EventSessionEnded      EventKind = "session.ended"
	EventSessionsEnded     EventKind = "sessions.ended"

	// about the hub itself
	EventReplicationFailed EventKind = "replication.failed" // the second database could not be given something

	// refused
	EventLoginFailed       EventKind = "login.failed"
	EventLoginInactive     EventKind = "login.inactive"
	EventLoginLocked       EventKind = "login.locked"  // the failure that locked the address
	EventLoginRefused      EventKind = "login.refused" // a try while locked
	EventTokenReused       EventKind = "token.reused"  // the session was ended for it
	EventAccessDenied      EventKind = "access.denied"
	EventRegistrationTaken EventKind = "registration.refused"
)

// ReplicationID is the target of events about replication, which concern no user.
const ReplicationID = "replication"

// Event says what happened, to whom, by whom, when and from where. It never holds a secret. Events are the audit trail.
type Event struct {
	ID   string
	Kind EventKind
	At   time.Time

	ActorID   string // who did it; empty: nobody signed in, or the system itself
	TargetID  string // the user it happened to; empty: nobody known
	SessionID string // the session concerned, if one is
	EmailKey  string // LockoutKey of the address tried, where no user is known

	IP        string
	UserAgent string
	RequestID string

	// Detail holds short facts by name, such as "from" and "to" of a role change.
	Detail map[string]string
}

// NewEvent returns an event of the given kind about the user targetID at the time now. Actor and origin come from ctx.
func NewEvent(ctx context.Context, kind EventKind, targetID string, now time.Time) Event {
	origin := OriginFrom(ctx)
	e := Event{
		ID: NewID(), Kind: kind, At: now, TargetID: targetID,
		IP: origin.IP, UserAgent: origin.UserAgent, RequestID: origin.RequestID,
	}
	if actor, ok := ActorFrom(ctx); ok {
		e.ActorID, e.SessionID = actor.User.ID, actor.Session.ID
	}
	return e
}

// With returns the event with one more detail.
func (e Event) With(name, value string) Event {
	detail := make(map[string]string, len(e.Detail)+1)
	for k, v := range e.Detail {
		detail[k] = v
	}
	detail[name] = value
	e.Detail = detail
	return e
}

// IsRefusal reports whether events of this kind describe something that was not done.
func (k EventKind) IsRefusal() bool {
	switch k {
	case EventLoginFailed, EventLoginInactive, EventLoginLocked, EventLoginRefused,
		EventTokenReused, EventAccessDenied, EventRegistrationTaken:
		return true
	}
	return false
}
