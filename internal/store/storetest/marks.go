package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/a64core/hub"
)

func markTests() []databaseTest {
	return []databaseTest{
		{"EveryChangeIsMarked", everyChangeIsMarked},
		{"MarksStandForTheirVersion", marksStandForVersion},
		{"MarksAreListedOldestFirst", marksOldestFirst},
		{"NobodyMarksUnasked", nobodyMarksUnasked},
		{"APurgeIsMarkedByItsTombstone", purgeIsMarked},
		{"ATombstoneIsKeptUntilItWasSeen", tombstoneIsKept},
		{"RefusedChangesAreNotMarked", refusedAreNotMarked},
	}
}

// allMarks returns all marks, without their times.
func allMarks(t *testing.T, s hub.Database) []hub.Mark {
	t.Helper()
	marks, err := s.Marks(t.Context(), time.Now().Add(time.Hour), 10_000)
	must(t, "list marks", err)
	for i, m := range marks {
		if m.Since.IsZero() || time.Since(m.Since) > time.Hour {
			t.Errorf("mark since %v", m.Since)
		}
		marks[i].Since = time.Time{}
	}
	sortMarks(marks)
	return marks
}

func sortMarks(marks []hub.Mark) {
	slices.SortFunc(marks, func(a, b hub.Mark) int {
		return slices.Compare([]string{string(a.Key.Kind), a.Key.ID}, []string{string(b.Key.Kind), b.Key.ID})
	})
}

func everyChangeIsMarked(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, true)
	records := everything(t, s)
	want := make([]hub.Mark, len(records))
	for i, r := range records {
		want[i] = r.Mark()
	}
	sortMarks(want)
	wantSame(t, "marks", allMarks(t, s), want)
	b, err := s.Backlog(t.Context())
	must(t, "backlog", err)
	if lag := b.Lag(time.Now()); b.Pending != len(want) || b.Oldest.IsZero() || lag < 0 || lag > time.Hour {
		t.Errorf("backlog %+v, want %d", b, len(want))
	}
	must(t, "unmark", s.Unmark(t.Context(), want...))
	b, err = s.Backlog(t.Context())
	must(t, "backlog", err)
	if marks := allMarks(t, s); len(marks) != 0 || b != (hub.Backlog{}) {
		t.Errorf("backlog %+v, marks %v are left", b, marks)
	}
	must(t, "unmark nothing", s.Unmark(t.Context()))
}

func marksStandForVersion(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, true)
	u := addUser(t, s, newUser("a@example.com"))
	first := hub.Record{User: &u}.Mark()
	must(t, "update user", s.UpdateUser(ctx, u, newEvent(u.ID)))
	must(t, "unmark", s.Unmark(ctx, first))
	second := first
	second.Version = 2
	if !slices.Contains(allMarks(t, s), second) {
		t.Error("the mark of a later change went with that of an earlier one")
	}
	must(t, "unmark", s.Unmark(ctx, second))
	if slices.Contains(allMarks(t, s), second) {
		t.Error("the mark stands")
	}
	se := addSession(t, s, newSession(storedUser(t, s, u.ID)))
	login := first
	login.Version = storedUser(t, s, u.ID).Version
	if marks := allMarks(t, s); !slices.Contains(marks, login) || !slices.Contains(marks, hub.Record{Session: &se}.Mark()) {
		t.Errorf("a login marked %v", marks)
	}
}

func marksOldestFirst(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, true)
	before := time.Now().Add(-time.Second)
	for range 5 {
		must(t, "add mail", s.AddMail(ctx, newMail(""), newEvent("")))
	}
	if early, err := s.Marks(ctx, before, 100); err != nil || len(early) != 0 {
		t.Errorf("%d marks before the first change, %v", len(early), err)
	}
	all, err := s.Marks(ctx, time.Now().Add(time.Hour), 100)
	must(t, "list marks", err)
	if len(all) != 10 || !slices.IsSortedFunc(all, func(a, b hub.Mark) int { return a.Since.Compare(b.Since) }) {
		t.Errorf("%d marks: %v", len(all), all)
	}
	for _, limit := range []int{0, 1, 4} {
		some, err := s.Marks(ctx, time.Now().Add(time.Hour), limit)
		must(t, "list marks", err)
		if len(some) != limit {
			t.Errorf("%d marks, want %d", len(some), limit)
		}
	}
}

func nobodyMarksUnasked(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, false)
	everything(t, s)
	if marks := allMarks(t, s); len(marks) != 0 {
		t.Errorf("marks %v", marks)
	}
	u := addUser(t, s, newUser("gone@example.com"))
	must(t, "purge", s.PurgeUser(t.Context(), u.ID, u.Version, newEvent(u.ID)))
	if stones := lookup(t, s, hub.RecordKey{Kind: hub.RecordTombstone, ID: u.ID}); len(stones) != 0 {
		t.Errorf("a purge left %d tombstones for nobody", len(stones))
	}
}

func purgeIsMarked(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, true)
	u := addUser(t, s, newUser("a@example.com"))
	key := hub.RecordKey{Kind: hub.RecordTombstone, ID: u.ID}
	e := newEvent(u.ID)
	must(t, "purge", s.PurgeUser(ctx, u.ID, u.Version, e))
	stone := hub.Tombstone{UserID: u.ID, Version: u.Version + 1, PurgedAt: e.At}
	wantSame(t, "the tombstone", lookup(t, s, key, hub.RecordKey{Kind: hub.RecordUser, ID: u.ID}), []hub.Record{{Tombstone: &stone}})
	if marks := allMarks(t, s); !slices.Contains(marks, hub.Mark{Key: key, Version: u.Version + 1}) {
		t.Errorf("marks %v", marks)
	}
	second := addUser(t, s, newUser("a@example.com")) // the address is free
	if second.ID == u.ID {
		t.Error("the id was used again")
	}
}

func tombstoneIsKept(t *testing.T, open func(*testing.T, bool) hub.Database) {
	ctx, s := t.Context(), open(t, true)
	u := addUser(t, s, newUser("a@example.com"))
	must(t, "purge", s.PurgeUser(ctx, u.ID, u.Version, newEvent(u.ID)))
	key := hub.RecordKey{Kind: hub.RecordTombstone, ID: u.ID}
	kept := func(at time.Time) bool {
		_, err := s.Sweep(ctx, at, hub.Retention{}, 100)
		must(t, "sweep", err)
		return len(lookup(t, s, key)) == 1
	}
	if !kept(start().Add(10 * hub.TombstoneLife)) {
		t.Error("a tombstone that nobody copied is gone")
	}
	must(t, "unmark", s.Unmark(ctx, hub.Mark{Key: key, Version: u.Version + 1}))
	if !kept(start().Add(hub.TombstoneLife - time.Millisecond)) {
		t.Error("a tombstone is gone before its time")
	}
	if kept(start().Add(hub.TombstoneLife)) {
		t.Error("a tombstone is kept for ever")
	}
}

func refusedAreNotMarked(t *testing.T, open func(*testing.T, bool) hub.Database) {
	s := open(t, true)
	refused := changes(t, s)
	must(t, "unmark", s.Unmark(t.Context(), allMarks(t, s)...))
	for _, c := range refused {
		if c.fail(t.Context(), newEvent(hub.NewID()), newMail("")) == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
	if marks := allMarks(t, s); len(marks) != 0 {
		t.Errorf("marks %v", marks)
	}
}
