package hub

import (
	"context"
	"errors"
	"fmt"
)

// maxEdits bounds how often an edit is decided again after losing a race. Each round somebody wins, so that many
// writers of one document finish within as many rounds.
const maxEdits = 100

// EditUser reads the user, lets edit change it, and stores it; whenever somebody else changed the user meanwhile it does
// so again with what they left. edit returns the event and the mails that go with the change, or an error, which
// EditUser returns as it is. It returns the user as stored, or what UserByID and UpdateUser may return; ErrUnavailable if
// others were always faster.
func EditUser(ctx context.Context, store UserStore, id string, edit func(*User) (Event, []Mail, error)) (User, error) {
	for range maxEdits {
		u, err := store.UserByID(ctx, id)
		if err != nil {
			return User{}, fmt.Errorf("read user: %w", err)
		}
		e, mails, err := edit(&u)
		if err != nil {
			return User{}, err
		}
		err = store.UpdateUser(ctx, u, e, mails...)
		if err == nil {
			u.Version++
			return u, nil
		}
		if !errors.Is(err, ErrConflict) {
			return User{}, fmt.Errorf("update user: %w", err)
		}
	}
	return User{}, fmt.Errorf("update user: gave up after %d rounds: %w", maxEdits, ErrUnavailable)
}

// EditSession does for a session what EditUser does for a user. edit also sees the session's user, and may return
// ErrUnchanged to leave everything as it is.
func EditSession(ctx context.Context, store SessionStore, id string, edit func(*Session, *User) (Event, error)) error {
	for range maxEdits {
		s, u, err := store.SessionWithUser(ctx, id)
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		e, err := edit(&s, &u)
		if errors.Is(err, ErrUnchanged) {
			return nil
		}
		if err != nil {
			return err
		}
		err = store.UpdateSession(ctx, s, e)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("update session: %w", err)
		}
	}
	return fmt.Errorf("update session: gave up after %d rounds: %w", maxEdits, ErrUnavailable)
}

// ErrUnchanged is what an edit returns to say that nothing needs to be stored.
var ErrUnchanged = errors.New("nothing to change")
