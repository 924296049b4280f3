package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/a64core/hub"
)

const contenders = 50

func contentionTests() []test {
	return []test{
		{"OneOfManyRegistersAnAddress", oneRegisters},
		{"OneOfManySpendsAMailToken", oneSpends},
		{"OneOfManyRotatesASession", oneRotates},
		{"OneOfManyPutsALockout", onePutsLockout},
		{"OneOfManyTakesAMail", oneTakesMail},
		{"NoEditIsLost", noEditIsLost},
		{"NoSessionOutlivesTheEndOfAll", noSessionOutlives},
		{"ManyUseOneStore", manyUseOneStore},
	}
}

// atOnce calls do with 0 to n-1, all at the same moment, and returns what each returned.
func atOnce(n int, do func(i int) error) []error {
	var (
		errs = make([]error, n)
		gate = make(chan struct{})
		wg   sync.WaitGroup
	)
	for i := range n {
		wg.Go(func() {
			<-gate
			errs[i] = do(i)
		})
	}
	close(gate)
	wg.Wait()
	return errs
}

// wantErrors reports unless so many calls succeeded and all others failed with want.
func wantErrors(t *testing.T, errs []error, successes int, want error) {
	t.Helper()
	n := 0
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, want):
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if n != successes {
		t.Errorf("%d of %d succeeded, want %d", n, len(errs), successes)
	}
}

func oneRegisters(t *testing.T, s hub.Store) {
	errs := atOnce(contenders, func(int) error {
		u := newUser("wanted@example.com")
		return s.AddUser(t.Context(), u, newEvent(u.ID))
	})
	wantErrors(t, errs, 1, hub.ErrDuplicateEmail)
}

func oneSpends(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com"))
	token := addMailToken(t, s, u)
	errs := atOnce(contenders, func(i int) error {
		spender := u
		spender.FirstName = fmt.Sprint(i)
		return s.SpendMailToken(t.Context(), token.ID, start(), spender, newEvent(u.ID), newMail(u.ID))
	})
	wantErrors(t, errs, 1, hub.ErrConflict)
	for i, err := range errs {
		if got := storedUser(t, s, u.ID); err == nil && got.FirstName != fmt.Sprint(i) {
			t.Errorf("the user is %s's, the winner was %d", got.FirstName, i)
		}
	}
	mails, err := s.DueMails(t.Context(), start(), contenders)
	must(t, "list due mails", err)
	if len(mails) != 1 {
		t.Errorf("%d mails are queued, want the winner's", len(mails))
	}
}

func oneRotates(t *testing.T, s hub.Store) {
	se := addSession(t, s, newSession(addUser(t, s, newUser("a@example.com"))))
	successors := make([]hub.RefreshToken, contenders)
	errs := atOnce(contenders, func(i int) error {
		successors[i] = newToken(start().Add(48 * time.Hour))
		rotated := se
		rotated.Rotate(successors[i], start(), time.Minute)
		return s.UpdateSession(t.Context(), rotated, newEvent(se.UserID))
	})
	wantErrors(t, errs, 1, hub.ErrConflict)
	for i, err := range errs {
		if err == nil {
			wantSame(t, "the session's token", storedSession(t, s, se.ID).Token, successors[i])
		}
	}
}

func onePutsLockout(t *testing.T, s hub.Store) {
	l := hub.Lockout{Key: hub.LockoutKey("a@example.com")}
	for version := range int64(3) {
		l.Version = version
		errs := atOnce(contenders, func(int) error {
			e := newEvent("")
			return s.PutLockout(t.Context(), l, &e)
		})
		wantErrors(t, errs, 1, hub.ErrConflict)
	}
}

func oneTakesMail(t *testing.T, s hub.Store) {
	m := newMail("")
	must(t, "add mail", s.AddMail(t.Context(), m, newEvent("")))
	errs := atOnce(contenders, func(int) error { return s.UpdateMail(t.Context(), m) })
	wantErrors(t, errs, 1, hub.ErrConflict)
}

func noEditIsLost(t *testing.T, s hub.Store) {
	u := addUser(t, s, newUser("a@example.com", func(u *hub.User) { u.SessionEpoch = 0 }))
	errs := atOnce(contenders, func(int) error {
		_, err := hub.EditUser(t.Context(), s, u.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
			u.SessionEpoch++
			return newEvent(u.ID), nil, nil
		})
		return err
	})
	wantErrors(t, errs, contenders, nil)
	if got := storedUser(t, s, u.ID); got.SessionEpoch != contenders || got.Version != contenders+1 {
		t.Errorf("epoch %d of version %d after %d edits", got.SessionEpoch, got.Version, contenders)
	}
}

// noSessionOutlives begins sessions while all sessions are being ended: none is alive afterwards, whoever came first.
func noSessionOutlives(t *testing.T, s hub.Store) {
	const rounds = 20
	endings := []func(*hub.User){
		func(u *hub.User) { u.EndSessions("") },
		func(u *hub.User) { u.EndSessions(""); u.IsActive = false },
		func(u *hub.User) { u.EndSessions(""); u.DeletedAt = start() },
	}
	for round := range rounds {
		u := addUser(t, s, newUser(fmt.Sprintf("%d@example.com", round)))
		sessions := []hub.Session{newSession(u), newSession(u), newSession(u), newSession(u)}
		errs := atOnce(len(sessions)+1, func(i int) error {
			if i < len(sessions) {
				return s.AddSession(t.Context(), sessions[i], newEvent(u.ID))
			}
			_, err := hub.EditUser(t.Context(), s, u.ID, func(u *hub.User) (hub.Event, []hub.Mail, error) {
				endings[round%len(endings)](u)
				return newEvent(u.ID), nil, nil
			})
			return err
		})
		must(t, "end sessions", errs[len(sessions)])
		for i, se := range sessions {
			stored, owner, err := s.SessionWithUser(t.Context(), se.ID)
			if errs[i] != nil {
				wantError(t, "add session", errs[i], hub.ErrConflict)
				wantError(t, "read the refused session", err, hub.ErrNotFound)
				continue
			}
			must(t, "read session", err)
			if stored.IsLive(&owner, start()) {
				t.Errorf("round %d: a session outlived the end of all", round)
			}
		}
	}
}

func manyUseOneStore(t *testing.T, s hub.Store) {
	errs := atOnce(contenders, func(i int) error {
		u := newUser(fmt.Sprintf("%d@example.com", i))
		return everyday(t.Context(), s, u)
	})
	wantErrors(t, errs, contenders, nil)
	stats, err := s.Stats(t.Context(), start())
	must(t, "stats", err)
	if stats.Sessions != contenders {
		t.Errorf("%d sessions, want %d", stats.Sessions, contenders)
	}
}

// everyday does what one client does in a day.
func everyday(ctx context.Context, s hub.Store, u hub.User) error {
	if err := s.AddUser(ctx, u, newEvent(u.ID), newMail(u.ID)); err != nil {
		return err
	}
	se := newSession(u)
	if err := s.AddSession(ctx, se, newEvent(u.ID)); err != nil {
		return err
	}
	for range 3 {
		err := hub.EditSession(ctx, s, se.ID, func(se *hub.Session, _ *hub.User) (hub.Event, error) {
			se.Rotate(newToken(start().Add(time.Hour)), start(), time.Minute)
			return newEvent(u.ID), nil
		})
		if err != nil {
			return err
		}
		if _, err := s.Users(ctx, hub.UserQuery{Limit: 5}); err != nil {
			return err
		}
	}
	return s.PutLockout(ctx, hub.Lockout{Key: hub.LockoutKey(u.Email), Failures: 1}, nil)
}
