package hub

import (
	"errors"
	"fmt"
	"time"
)

// What stores answer besides success. Every store wraps its driver's errors into these, by %w; anything else that a
// store returns is a fault of ours.
var (
	// ErrNotFound: nothing has that id.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the document changed since it was read, or the state that the call requires is gone. Read again and decide again.
	ErrConflict = errors.New("changed meanwhile")
	// ErrDuplicateEmail: another user, maybe a deleted one, has the address.
	ErrDuplicateEmail = errors.New("e-mail address taken")
	// ErrLastSuperAdmin: the change would leave no active super_admin.
	ErrLastSuperAdmin = errors.New("last active super_admin")
	// ErrOrphan: the user that the record belongs to is not stored.
	ErrOrphan = errors.New("its user is not stored")
	// ErrUnavailable: the database cannot be reached, has no space or did not answer in time. The same call may succeed later.
	ErrUnavailable = errors.New("database unavailable")
)

// Kind classifies an error by what a caller can do about it. Each kind is one HTTP status.
type Kind uint8

// The kinds of errors.
const (
	KindInternal         Kind = iota // ours to mend; its text is not shown
	KindMalformed                    // the request cannot be read, or asks for what was done already
	KindUnauthenticated              // who asks is not known
	KindForbidden                    // who asks is known and may not
	KindNotFound                     // there is no such thing
	KindMethod                       // the thing is there but does not do that
	KindConflict                     // the state of things forbids it
	KindTooLarge                     // more than we read
	KindUnsupportedMedia             // not JSON
	KindInvalid                      // readable, but a value is wrong
	KindLimited                      // too often
	KindUnavailable                  // not at this moment
)

// Code names an error for programs. Codes are stable: more may be added, none changes.
type Code string

// The codes.
const (
	CodeInvalidCredentials   Code = "INVALID_CREDENTIALS"
	CodeUnauthenticated      Code = "UNAUTHENTICATED"
	CodeTokenExpired         Code = "TOKEN_EXPIRED"
	CodeTokenInvalid         Code = "TOKEN_INVALID"
	CodeTokenReused          Code = "TOKEN_REUSED"
	CodeTokenUsed            Code = "TOKEN_USED"
	CodeAlreadyVerified      Code = "ALREADY_VERIFIED"
	CodeMalformedRequest     Code = "MALFORMED_REQUEST"
	CodeAccountInactive      Code = "ACCOUNT_INACTIVE"
	CodeForbidden            Code = "FORBIDDEN"
	CodeUserNotFound         Code = "USER_NOT_FOUND"
	CodeNotFound             Code = "NOT_FOUND"
	CodeMethodNotAllowed     Code = "METHOD_NOT_ALLOWED"
	CodeRegistrationRejected Code = "REGISTRATION_REJECTED"
	CodeDuplicateEmail       Code = "DUPLICATE_EMAIL"
	CodeConflict             Code = "CONFLICT"
	CodePayloadTooLarge      Code = "PAYLOAD_TOO_LARGE"
	CodeUnsupportedMediaType Code = "UNSUPPORTED_MEDIA_TYPE"
	CodeValidationError      Code = "VALIDATION_ERROR"
	CodeRateLimitExceeded    Code = "RATE_LIMIT_EXCEEDED"
	CodeAccountLocked        Code = "ACCOUNT_LOCKED"
	CodeInternalError        Code = "INTERNAL_ERROR"
	CodeOverloaded           Code = "OVERLOADED"
	CodeUnavailable          Code = "UNAVAILABLE"
)

// Problem is what a code stands for: its kind and the sentence that people read.
type Problem struct {
	Code    Code
	Kind    Kind
	Message string
}

// Problems lists every code with its kind and its sentence, in the order of the documentation.
func Problems() []Problem {
	return []Problem{
		{CodeMalformedRequest, KindMalformed, "The request could not be read."},
		{CodeTokenUsed, KindMalformed, "This link was used already, or a newer one replaced it."},
		{CodeAlreadyVerified, KindMalformed, "The e-mail address is verified already."},
		{CodeInvalidCredentials, KindUnauthenticated, "The e-mail address or the password is wrong."},
		{CodeUnauthenticated, KindUnauthenticated, "Sign in first: the request needs a bearer token."},
		{CodeTokenExpired, KindUnauthenticated, "The token has expired."},
		{CodeTokenInvalid, KindUnauthenticated, "The token is not valid."},
		{CodeTokenReused, KindUnauthenticated, "The refresh token was used before."},
		{CodeAccountInactive, KindForbidden, "The account is not active."},
		{CodeForbidden, KindForbidden, "You may not do this."},
		{CodeUserNotFound, KindNotFound, "There is no such user."},
		{CodeNotFound, KindNotFound, "There is nothing here."},
		{CodeMethodNotAllowed, KindMethod, "This method is not served here."},
		{CodeRegistrationRejected, KindConflict, "The registration could not be completed."},
		{CodeDuplicateEmail, KindConflict, "Another account uses this e-mail address."},
		{CodeConflict, KindConflict, "The present state does not allow this."},
		{CodePayloadTooLarge, KindTooLarge, "The request body is too large."},
		{CodeUnsupportedMediaType, KindUnsupportedMedia, "The request body must be application/json."},
		{CodeValidationError, KindInvalid, "A value is missing or wrong."},
		{CodeRateLimitExceeded, KindLimited, "Too many requests. Try again later."},
		{CodeAccountLocked, KindLimited, "Too many failed attempts. Try again later."},
		{CodeInternalError, KindInternal, "Something went wrong on our side."},
		{CodeOverloaded, KindUnavailable, "The service is busy. Try again shortly."},
		{CodeUnavailable, KindUnavailable, "The service cannot do this at the moment. Try again shortly."},
	}
}

// Error is an error that a client may see: everything but Cause is safe to show.
type Error struct {
	Kind       Kind
	Code       Code
	Message    string        // one sentence
	Fields     []FieldError  // what is wrong with which value
	RetryAfter time.Duration // when trying again makes sense, for KindLimited and KindUnavailable
	Cause      error         // for the log
}

// FieldError says what is wrong with one value, without repeating it.
type FieldError struct {
	Location string // such as "body.email" or "query.page"
	Message  string
}

// NewError returns the error for a code, with the code's own sentence.
func NewError(code Code) *Error {
	for _, p := range Problems() {
		if p.Code == code {
			return &Error{Kind: p.Kind, Code: code, Message: p.Message}
		}
	}
	return &Error{Kind: KindInternal, Code: CodeInternalError, Cause: fmt.Errorf("no such code: %s", code)}
}

// Invalid returns a VALIDATION_ERROR about the given fields.
func Invalid(fields ...FieldError) *Error {
	e := NewError(CodeValidationError)
	e.Fields = fields
	return e
}

// WithMessage returns a copy with another sentence.
func (e *Error) WithMessage(message string) *Error {
	c := *e
	c.Message = message
	return &c
}

// After returns a copy that tells clients to wait for d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Because returns a copy with the cause, for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error implements error. The text is for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return string(e.Code) + ": " + e.Cause.Error()
	}
	return string(e.Code)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// IsCode reports whether err is, or wraps, an Error with that code.
func IsCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
