package users

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/userfile"
)

// ImportRules says how rows of a file become accounts.
type ImportRules struct {
	// Source stands for the content of the file. Accounts without an id get one that follows from Source and address, so
	// that a second run over the same file knows those of the first again.
	Source           string
	OnConflict       Conflict
	DefaultRole      hub.Role // of rows that name none
	SuperAdmins      bool     // rows may make super_admins
	SendVerification bool     // by mail, to new accounts whose address is not verified
}

// Conflict says what to do with a row whose address or id an account has already.
type Conflict string

// What to do: refuse the row, leave the account alone, or give it the values of the row.
const (
	ConflictFail   Conflict = "fail"
	ConflictSkip   Conflict = "skip"
	ConflictUpdate Conflict = "update"
)

// ImportOutcome is what became of a row.
type ImportOutcome uint8

// The outcomes.
const (
	ImportAdded     ImportOutcome = iota + 1
	ImportUpdated                 // by ConflictUpdate
	ImportUnchanged               // the account is as it should be, such as one that an interrupted import had added
	ImportSkipped                 // by ConflictSkip
)

// PlanImport says what Import would do with a row. VALIDATION_ERROR names everything that is wrong with it, also what does
// not agree with the accounts that there are; FORBIDDEN if the actor may not assign its role.
func (s *Service) PlanImport(ctx context.Context, row *userfile.Row, rules ImportRules) (ImportOutcome, error) {
	outcome, _, err := s.planImport(ctx, row, rules)
	return outcome, err
}

// Import adds the account of a row, or does what the rules say if there is one. The errors are those of PlanImport. It may
// be repeated: a row that was imported before is left as it is. Several rows of different addresses may be imported at once.
func (s *Service) Import(ctx context.Context, row *userfile.Row, rules ImportRules) (ImportOutcome, error) {
	var refusal error
	if u, wrong := s.imported(row, rules); len(wrong) == 0 && len(row.Missing()) == 0 {
		if err := mayImport(ctx, row, rules); err != nil {
			return 0, err
		}
		// Most rows are new: only if this one is not is it worth a look at who is in its way.
		if refusal = s.addImported(ctx, u, rules); refusal == nil {
			return ImportAdded, nil
		}
	}
	outcome, present, err := s.planImport(ctx, row, rules)
	switch {
	case err != nil:
		return 0, err
	case outcome == ImportAdded: // nobody is
		return 0, fmt.Errorf("add user: %w", refusal)
	case outcome == ImportUpdated:
		return s.updateImported(ctx, row, present.ID)
	}
	return outcome, nil
}

func (s *Service) addImported(ctx context.Context, u hub.User, rules ImportRules) error {
	now := s.Now()
	var mails []hub.Mail
	if rules.SendVerification && !u.IsEmailVerified && u.IsUsable() {
		mails = append(mails, hub.NewMail(hub.MailVerification, u.ID, u.Email, now))
	}
	return s.Store.AddUser(ctx, u, hub.NewEvent(ctx, hub.EventUserImported, u.ID, now).With("role", u.Role.String()), mails...)
}

// updateImported gives an account the values of a row.
func (s *Service) updateImported(ctx context.Context, row *userfile.Row, id string) (ImportOutcome, error) {
	_, err := hub.EditUser(ctx, s.Store, id, func(u *hub.User) (hub.Event, []hub.Mail, error) {
		if u.Email != row.User.Email || u.IsDeleted() { // since it was looked for
			return hub.Event{}, nil, hub.NewError(hub.CodeConflict)
		}
		now := s.Now()
		if !applyImport(row, u, now) {
			return hub.Event{}, nil, hub.ErrUnchanged
		}
		return hub.NewEvent(ctx, hub.EventUserImported, u.ID, now).With("role", u.Role.String()), nil, nil
	})
	switch {
	case errors.Is(err, hub.ErrUnchanged):
		return ImportUnchanged, nil
	case errors.Is(err, hub.ErrLastSuperAdmin):
		return 0, hub.Invalid(hub.FieldError{Location: "role", Message: "at least one active super_admin must remain"})
	case err != nil:
		return 0, err
	}
	return ImportUpdated, nil
}

// applyImport writes a row into the account and reports whether that changed it.
func applyImport(row *userfile.Row, u *hub.User, now time.Time) bool {
	before := *u
	row.Update(u)
	if reflect.DeepEqual(before, *u) {
		return false
	}
	if before.IsActive && !u.IsActive {
		u.EndSessions("")
	}
	u.UpdatedAt = now
	return true
}

// imported returns the new account that a row describes, and what is wrong with the row itself.
func (s *Service) imported(row *userfile.Row, rules ImportRules) (hub.User, []hub.FieldError) {
	now, u := s.Now(), row.User
	wrong := slices.Clip(row.Wrong)
	if u.Role == hub.RoleSuperAdmin && !rules.SuperAdmins {
		wrong = append(wrong, hub.FieldError{Location: "role", Message: "super_admin needs the operator's explicit consent"})
	}
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"createdAt", u.CreatedAt}, {"updatedAt", u.UpdatedAt}, {"lastLoginAt", u.LastLoginAt}, {"deletedAt", u.DeletedAt}} {
		if t.at.After(now) {
			wrong = append(wrong, hub.FieldError{Location: t.name, Message: "must not be in the future"})
		}
	}
	if u.ID == "" {
		u.ID = hub.DeriveID(rules.Source, u.Email)
	}
	if u.Role == 0 {
		u.Role = rules.DefaultRole
	}
	// The time that an account may stay unverified begins with the import, or the janitor would purge old ones at once.
	waits := s.Rules.UnverifiedPurge > 0 && !u.IsEmailVerified && !u.IsDeleted()
	if u.CreatedAt.IsZero() || waits {
		u.CreatedAt = now
	}
	if u.UpdatedAt.Before(u.CreatedAt) {
		u.UpdatedAt = u.CreatedAt
	}
	u.Version = 1
	return u, wrong
}

// mayImport decides about the role that a row names or gets.
func mayImport(ctx context.Context, row *userfile.Row, rules ImportRules) error {
	asking, err := actor(ctx)
	if err != nil {
		return err
	}
	role := row.User.Role
	if role == 0 {
		role = rules.DefaultRole
	}
	if !asking.Role.MayAssign(role) {
		return hub.NewError(hub.CodeForbidden)
	}
	return nil
}

// planImport also returns the account that is there already, if one is.
func (s *Service) planImport(ctx context.Context, row *userfile.Row, rules ImportRules) (ImportOutcome, hub.User, error) {
	if err := mayImport(ctx, row, rules); err != nil {
		return 0, hub.User{}, err
	}
	u, wrong := s.imported(row, rules)
	if len(wrong) > 0 {
		return 0, hub.User{}, hub.Invalid(wrong...)
	}
	present, err := s.Store.UserByEmail(ctx, u.Email)
	if errors.Is(err, hub.ErrNotFound) {
		present, err = s.Store.UserByID(ctx, u.ID)
	}
	switch {
	case errors.Is(err, hub.ErrNotFound):
		if missing := row.Missing(); len(missing) > 0 {
			return 0, hub.User{}, hub.Invalid(missing...)
		}
		return ImportAdded, hub.User{}, nil
	case err != nil:
		return 0, hub.User{}, fmt.Errorf("read user: %w", err)
	}
	outcome, err := s.planConflict(row, u.ID, &present, rules)
	return outcome, present, err
}

// planConflict plans for a row whose address or id an account has, which keeps both while it is deleted.
func (s *Service) planConflict(row *userfile.Row, id string, present *hub.User, rules ImportRules) (ImportOutcome, error) {
	if present.Email != row.User.Email {
		return planTakenID(row, rules)
	}
	same := present.ID == id
	switch {
	case same && (rules.OnConflict != ConflictUpdate || present.IsDeleted()):
		return ImportUnchanged, nil
	case rules.OnConflict == ConflictSkip:
		return ImportSkipped, nil
	case present.IsDeleted():
		return 0, conflict("email", "is that of a deleted account")
	case rules.OnConflict == ConflictFail:
		return 0, conflict("email", "is that of an account")
	case !same && row.User.ID != "":
		return 0, conflict("userId", "is not the id of the account with this address")
	}
	merged := *present
	if !applyImport(row, &merged, s.Now()) {
		return ImportUnchanged, nil
	}
	return ImportUpdated, nil
}

// planTakenID plans for a row whose id an account with another address has.
func planTakenID(row *userfile.Row, rules ImportRules) (ImportOutcome, error) {
	switch {
	case rules.OnConflict == ConflictSkip:
		return ImportSkipped, nil
	case row.User.ID == "": // it follows from this very row
		return 0, conflict("email", "is the former address of an account from this file")
	}
	return 0, conflict("userId", "is the id of an account with another address")
}

func conflict(location, message string) error {
	return hub.Invalid(hub.FieldError{Location: location, Message: message})
}
