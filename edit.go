package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Bounds of how an edit is decided again after losing a race. The pauses double from the first to the last, and each is a random
// part of that: were all who edit one document to try again at once whenever one of them has won, their work would grow with the
// square of their number.
const (
	maxEdits   = 100
	firstPause = 2 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// EditUser reads the user, lets edit change it, and stores it; whenever somebody else changed the user meanwhile it does
// so again with what they left. edit returns the event and the mails that go with the change, or an error, which
// EditUser returns as it is. It returns the user as stored, or what UserByID and UpdateUser may return; ErrUnavailable if
// others were always faster.
func EditUser(ctx context.Context, store UserStore, id string, edit func(*User) (Event, []Mail, error)) (u User, err error) {
	err = untilUnopposed(ctx, "update user", func() (bool, error) {
		if u, err = store.UserByID(ctx, id); err != nil {
			return false, fmt.Errorf("read user: %w", err)
		}
		e, mails, err := edit(&u)
		if err != nil {
			return false, err
		}
		if err = store.UpdateUser(ctx, u, e, mails...); err != nil {
			return errors.Is(err, ErrConflict), fmt.Errorf("update user: %w", err)
		}
		u.Version++
		return false, nil
	})
	if err != nil {
		return User{}, err
	}
	return u, nil
}

// EditSession does for a session what EditUser does for a user. edit also sees the session's user, and may return
// ErrUnchanged to leave everything as it is.
func EditSession(ctx context.Context, store SessionStore, id string, edit func(*Session, *User) (Event, error)) error {
	return untilUnopposed(ctx, "update session", func() (bool, error) {
		s, u, err := store.SessionWithUser(ctx, id)
		if err != nil {
			return false, fmt.Errorf("read session: %w", err)
		}
		e, err := edit(&s, &u)
		if errors.Is(err, ErrUnchanged) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err = store.UpdateSession(ctx, s, e); err != nil {
			return errors.Is(err, ErrConflict), fmt.Errorf("update session: %w", err)
		}
		return false, nil
	})
}

// ErrUnchanged is what an edit returns to say that nothing needs to be stored.
var ErrUnchanged = errors.New("nothing to change")

// untilUnopposed makes attempts until one loses no race, and returns its error; or, if others are always faster, ErrUnavailable.
func untilUnopposed(ctx context.Context, what string, attempt func() (lost bool, err error)) error {
	for round := range maxEdits {
		lost, err := attempt()
		if !lost {
			return err
		}
		if err := pause(ctx, rand.N(min(firstPause<<min(round, 16), lastPause))); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return fmt.Errorf("%s: gave up after %d rounds: %w", what, maxEdits, ErrUnavailable)
}

// pause waits, or returns the context's error if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
