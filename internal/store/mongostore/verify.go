package mongostore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/a64core/hub"
)

// maxFindings bounds how many findings of one sort are listed.
const maxFindings = 100

// findings collects sentences, a bounded number of each sort.
type findings struct {
	all []string
	of  map[string]int // by sort
}

func (f *findings) add(sort string, args ...any) {
	if f.of[sort]++; f.of[sort] <= maxFindings {
		f.all = append(f.all, fmt.Sprintf(sort, args...))
	}
}

// Verify implements hub.Database.
func (s *Store) Verify(ctx context.Context) ([]string, error) {
	const what = "verify"
	if err := s.flusher.wait(ctx, what); err != nil {
		return nil, err
	}
	missing, err := s.missingIndexes(ctx)
	if err != nil {
		return nil, err
	}
	f := findings{of: make(map[string]int)}
	for _, i := range missing {
		f.add("%s: the index %s is missing, or is not as it should be", i.in.Name(), i.name)
	}
	v := verifier{store: s, found: &f}
	for _, kind := range []hub.RecordKind{hub.RecordMailToken, hub.RecordUser, hub.RecordSession, hub.RecordLockout, hub.RecordMail, hub.RecordEvent} {
		in, _ := s.shelf(kind)
		if err := v.read(ctx, kind, in); err != nil {
			return f.all, err
		}
	}
	v.finish()
	return f.all, nil
}

// verifier reads every document as the store reads it, and looks at those that it refers to.
type verifier struct {
	store      *Store
	found      *findings
	references []reference

	superAdmins []string
	guards      int
}

func (v *verifier) read(ctx context.Context, kind hub.RecordKind, in shelf) error {
	return do(ctx, "read all of "+in.Name(), migrateTimeout, func(ctx context.Context) error {
		cursor, err := in.Find(ctx, bson.D{}, options.Find().SetBatchSize(maxBatch))
		if err != nil {
			return err
		}
		_, err = collect(ctx, cursor, func(raw bson.Raw) (struct{}, error) {
			v.document(kind, in, raw)
			if len(v.references) >= maxBatch {
				if err := v.follow(ctx, kind); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, hub.ErrNotFound // keep nothing
		})
		if err != nil {
			return err
		}
		return v.follow(ctx, kind)
	})
}

func (v *verifier) document(kind hub.RecordKind, in shelf, raw bson.Raw) {
	id := textOf(raw, in.key)
	if id == "" {
		v.found.add(string(kind)+" without an id: %s", raw.Lookup("_id").String())
	}
	if since, ok := raw.Lookup("outboxSince").TimeOK(); ok && time.Since(since) > 2*time.Minute {
		v.found.add(string(kind)+" %s: its outbox was not carried out for minutes", id)
	}
	r, err := readRecord(kind)(raw)
	if errors.Is(err, hub.ErrNotFound) { // a tombstone among the users
		return
	}
	if err != nil {
		v.found.add(string(kind)+" %s: cannot be read", id)
		return
	}
	v.refer(&r)
	switch {
	case r.User != nil:
		v.user(r.User, raw)
	case r.Session != nil:
		v.session(r.Session)
	case r.Mail != nil:
		v.mail(r.Mail)
	case r.Lockout != nil:
		if r.Lockout.Failures < 0 || r.Lockout.Pending < 0 || r.Lockout.Version < 1 {
			v.found.add("lockout %s: counts below zero", id)
		}
	}
}

func (v *verifier) user(u *hub.User, raw bson.Raw) {
	if u.Role == hub.RoleSuperAdmin && !u.IsDeleted() {
		v.superAdmins = append(v.superAdmins, u.ID)
	}
	if u.GuardsSystem() {
		v.guards++
	}
	if u.Version < 1 {
		v.found.add("user %s: its version is below 1", u.ID)
	}
	if textOf(raw, "lastNameFolded") != hub.Fold(u.LastName) || textOf(raw, "fullNameFolded") != foldedFullName(u) {
		v.found.add("user %s: cannot be found by name", u.ID)
	}
	if u.Email != hub.Fold(u.Email) {
		v.found.add("user %s: the address is not canonical", u.ID)
	}
	var object map[string]json.RawMessage
	if u.Metadata != nil && (json.Unmarshal(u.Metadata, &object) != nil || object == nil) {
		v.found.add("user %s: metadata is not a JSON object", u.ID)
	}
}

func (v *verifier) session(se *hub.Session) {
	if se.Version < 1 {
		v.found.add("session %s: its version is below 1", se.ID)
	}
}

func (v *verifier) mail(m *hub.Mail) {
	switch m.State {
	case hub.MailQueued, hub.MailSent, hub.MailDropped, hub.MailDead:
	default:
		v.found.add("mail %s: is in no state that is known", m.ID)
	}
}

// finish looks at what takes having read everything.
func (v *verifier) finish() {
	if v.guards == 0 {
		for _, id := range v.superAdmins {
			v.found.add("user %s: is a super_admin, but none of them is active", id)
		}
	}
}
