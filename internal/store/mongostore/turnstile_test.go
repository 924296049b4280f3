package mongostore

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestATurnstileLetsOneInAndTellsTheOthersWhatTheyFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurnstile()
		enter := func() func(bool) {
			leave, err := turns.enter(t.Context(), "k")
			if err != nil {
				t.Error(err)
			}
			return leave
		}
		leave := enter()
		entered, sentAway := make(chan func(bool), 3), make(chan bool, 3)
		for range 3 {
			go func() {
				if leave := enter(); leave != nil {
					entered <- leave
				} else {
					sentAway <- true
				}
			}()
		}
		synctest.Wait()
		leave(true) // which may have been so before they came: one of them has to look
		synctest.Wait()
		if len(entered) != 1 || len(sentAway) != 0 {
			t.Fatalf("%d are inside and %d went away", len(entered), len(sentAway))
		}
		(<-entered)(false)
		synctest.Wait()
		if len(entered) != 1 || len(sentAway) != 0 {
			t.Fatalf("nothing is taken: %d are inside and %d went away", len(entered), len(sentAway))
		}
		(<-entered)(true)
		synctest.Wait()
		if len(entered) != 0 || len(sentAway) != 1 {
			t.Fatalf("it is taken: %d are inside and %d went away", len(entered), len(sentAway))
		}
		enter()(true)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		leave = enter()
		if _, err := turns.enter(gone, "k"); err == nil {
			t.Error("it waits for somebody who has left")
		}
		leave(false)
	})
}
