package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/scratch"
	"github.com/a64core/hub/internal/store/testdb"
)

// newBackup returns a backup that tells nobody.
func newBackup(source config.Config) app.Backup {
	return app.Backup{Source: source, Begin: func() {}, Progress: func(hub.RecordKind, int, int) {}}
}

func newRestore(target config.Config, path string) app.Restore {
	return app.Restore{Target: target, Path: path, Begin: func(string) {}, Progress: func(hub.RecordKind, int, int) {}}
}

// backUp backs up into a new file.
func backUp(t *testing.T, b app.Backup) (path string) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "backup.a64"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Run(t.Context(), file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

// withDatabase opens a database for a moment.
func withDatabase(t *testing.T, c config.Config, do func(hub.Database)) {
	t.Helper()
	db, err := app.OpenDatabase(t.Context(), c, c.Database, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	do(db)
}

func count(t *testing.T, db hub.Database, kind hub.RecordKind) int {
	t.Helper()
	n := 0
	for q := (hub.ScanQuery{Kind: kind, Limit: 1000}); ; { // Database.Count may be about right
		some, err := db.Scan(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if n += len(some); len(some) < q.Limit {
			return n
		}
		q.After = some[len(some)-1].Key().ID
	}
}

// onMongoDB returns the settings of an empty database in MongoDB.
func onMongoDB(t *testing.T) config.Config {
	t.Helper()
	url := testdb.MongoDBServer(t)
	name, drop, err := scratch.MongoDB(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	c := config.Config{Database: config.MongoDB, MongoDBURL: hub.NewSecret(url), MongoDBName: name, Migrate: true}
	if _, err := app.Migrate(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func user(id, email string, change ...func(*hub.User)) hub.User {
	now := time.Now().UTC().Truncate(time.Millisecond)
	u := hub.User{ID: id, Email: email, FirstName: "Ada", LastName: "Lovelace", Role: hub.RoleUser, IsActive: true, CreatedAt: now, UpdatedAt: now, Version: 1}
	for _, c := range change {
		c(&u)
	}
	return u
}

func event(u hub.User) hub.Event {
	return hub.Event{ID: hub.NewID(), Kind: hub.EventUserUpdated, At: u.UpdatedAt, TargetID: u.ID}
}

// purged is the event of a purge, by which a restore knows whom not to bring back.
func purged(id string) hub.Event {
	return hub.Event{ID: hub.NewID(), Kind: hub.EventUserPurged, At: time.Now().UTC().Truncate(time.Millisecond), TargetID: id}
}

// TestWhatChangesWhileItIsReadHoldsTogether changes a database that gives no snapshot between the pages of a backup, in every
// way that could leave records that do not fit each other: addresses change hands in a ring, the last super_admin hands over,
// sessions are ended and begun, and users are purged.
func TestWhatChangesWhileItIsReadHoldsTogether(t *testing.T) {
	t.Parallel()
	const n = 1500 // more than a page
	c := onMongoDB(t)
	ctx := t.Context()
	id := func(i int) string { return fmt.Sprintf("%06d", i) }
	session := func(i int, epoch int64) hub.Session {
		now := time.Now().UTC().Truncate(time.Millisecond)
		token := hub.RefreshToken{ID: hub.NewID(), Hash: "ff", IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
		return hub.Session{ID: id(i), UserID: id(i), Epoch: epoch, Token: token, CreatedAt: now, LastUsedAt: now, ExpiresAt: now.Add(time.Hour), Version: 1}
	}
	withDatabase(t, c, func(db hub.Database) {
		must := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		purge := func(i int) {
			t.Helper()
			must("purge", db.PurgeUser(ctx, id(i), 1, purged(id(i))))
		}
		change := func(i int, edit func(*hub.User)) {
			t.Helper()
			u, err := db.UserByID(ctx, id(i))
			must("read user", err)
			edit(&u)
			must("update user", db.UpdateUser(ctx, u, event(u)))
		}
		var records []hub.Record
		for i := range n {
			u := user(id(i), id(i)+"@example.com")
			if i == n-1 {
				u.Role = hub.RoleSuperAdmin
			}
			records = append(records, hub.Record{User: &u})
		}
		for i := range 3 {
			s := session(i, 0)
			records = append(records, hub.Record{Session: &s})
		}
		must("fill", db.Put(ctx, hub.UnlessOlder, records...))

		b := newBackup(c)
		b.Progress = func(kind hub.RecordKind, done, _ int) {
			switch {
			case kind == hub.RecordSession:
				change(0, func(u *hub.User) { u.EndSessions("") })
				must("add session", db.AddSession(ctx, func() hub.Session { s := session(0, 1); s.ID = "new"; return s }(), event(user(id(0), ""))))
				purge(1)
			case kind == hub.RecordUser && done == 1000: // those up to 999 were read
				email := func(i int) func(*hub.User) { return func(u *hub.User) { u.Email = fmt.Sprint(id(i), "@example.com") } }
				change(2, func(u *hub.User) { u.Email = "between@example.com" })
				change(n-2, email(2)) // has not been read, and takes the address of one who was
				change(2, email(n-2))
				purge(3)
				change(n-3, email(3)) // takes that of one who was read, and is gone
				change(4, func(u *hub.User) { u.Role = hub.RoleSuperAdmin })
				change(n-1, func(u *hub.User) { u.Role = hub.RoleSuperAdmin; u.IsActive = false })
			}
		}
		path := backUp(t, b)
		file, err := os.Open(path)
		must("open", err)
		defer file.Close()
		checked, err := app.CheckArchive(file, nil, func(hub.RecordKind, int, int) {})
		if err != nil || len(checked.Findings) > 0 || checked.Users != n-2 || checked.Header.AtOneMoment {
			t.Errorf("the archive: %+v, %v", checked, err)
		}

		target := newFile(t, 0)
		r := newRestore(target, path)
		r.KeepSessions = true
		done, err := r.Run(ctx)
		if err != nil || done.LeftOut != 1 {
			t.Fatalf("restore: %+v, %v", done, err)
		}
		withDatabase(t, target, func(copied hub.Database) {
			for i, want := range map[int]string{2: id(n - 2), n - 2: id(2), n - 3: id(3)} {
				if u, err := copied.UserByID(ctx, id(i)); err != nil || u.Email != want+"@example.com" {
					t.Errorf("user %d: %q, %v", i, u.Email, err)
				}
			}
			if s, u, err := copied.SessionWithUser(ctx, id(0)); err != nil || s.IsLive(&u, time.Now()) {
				t.Errorf("the session that was ended lives: %+v, %v", s, err)
			}
			if u, err := copied.UserByID(ctx, id(4)); err != nil || !u.GuardsSystem() {
				t.Errorf("the new super_admin: %v, %v", u.Role, err)
			}
			for _, gone := range []int{1, 3} {
				if _, err := copied.UserByID(ctx, id(gone)); !errors.Is(err, hub.ErrNotFound) {
					t.Errorf("user %d, who was purged: %v", gone, err)
				}
			}
		})
	})
}

func TestRestoreEndsSessionsUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	path := backUp(t, newBackup(newFile(t, 1200)))
	for keep, want := range map[bool]int{false: 0, true: 1200} {
		target := newFile(t, 0)
		r := newRestore(target, path)
		r.KeepSessions = keep
		if done, err := r.Run(t.Context()); err != nil || done.Users != 1200 {
			t.Fatalf("%+v, %v", done, err)
		}
		withDatabase(t, target, func(db hub.Database) {
			for _, kind := range []hub.RecordKind{hub.RecordSession, hub.RecordMailToken} {
				if got := count(t, db, kind); got != want {
					t.Errorf("keep %v: %d of the kind %s, want %d", keep, got, kind, want)
				}
			}
		})
	}
}

func TestWhoeverWasPurgedOfLateStaysPurged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]config.Config{"sqlite": newFile(t, 3), "mongodb": onMongoDB(t)} {
		withDatabase(t, c, func(db hub.Database) {
			u := user("gone", "gone@example.com")
			if err := db.AddUser(t.Context(), u, event(u)); err != nil {
				t.Fatal(err)
			}
		})
		path := backUp(t, newBackup(c))
		withDatabase(t, c, func(db hub.Database) {
			if err := db.PurgeUser(t.Context(), "gone", 1, purged("gone")); err != nil {
				t.Fatal(err)
			}
		})
		r := newRestore(c, path)
		if _, err := r.Run(t.Context()); !errors.Is(err, app.ErrNotEmpty) {
			t.Errorf("%s, without force: %v", name, err)
		}
		r.Force = true
		if _, err := r.Run(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		withDatabase(t, c, func(db hub.Database) {
			if _, err := db.UserByID(t.Context(), "gone"); !errors.Is(err, hub.ErrNotFound) {
				t.Errorf("%s: the purged user is back: %v", name, err)
			}
		})
	}
}

func TestARestoreMayBeInterruptedAndRunAgain(t *testing.T) {
	t.Parallel()
	path := backUp(t, newBackup(newFile(t, 1200)))
	for name, target := range map[string]config.Config{"sqlite": newFile(t, 5), "mongodb": onMongoDB(t)} {
		ctx, cancel := context.WithCancel(t.Context())
		r := newRestore(target, path)
		r.Force = true
		var begun string
		r.Begin = func(what string) { begun = what }
		r.Progress = func(kind hub.RecordKind, done, _ int) {
			if kind == hub.RecordUser && done >= 500 && begun != "Checking "+path {
				cancel()
			}
		}
		if _, err := r.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, interrupted: %v", name, err)
		}
		if name == "sqlite" {
			withDatabase(t, target, func(db hub.Database) {
				if got := count(t, db, hub.RecordUser); got != 5 {
					t.Errorf("the file that was to be replaced holds %d users", got)
				}
			})
		} else if _, err := app.New(t.Context(), target, app.Options{Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, app.ErrUnfinished) {
			t.Errorf("%s holds a part, and a hub that starts gets: %v", name, err)
		}
		again := newRestore(target, path)
		again.Force = true
		if _, err := again.Run(t.Context()); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
		withDatabase(t, target, func(db hub.Database) {
			if got := count(t, db, hub.RecordUser); got != 1200 {
				t.Errorf("%s: %d users", name, got)
			}
		})
	}
}

func TestABackupOfAFileIsOfOneMoment(t *testing.T) {
	t.Parallel()
	c := newFile(t, 1500)
	withDatabase(t, c, func(db hub.Database) {
		b := newBackup(c)
		added := 0
		b.Progress = func(hub.RecordKind, int, int) {
			u := user(fmt.Sprint("later", added), fmt.Sprintf("later%d@example.com", added))
			if added++; db.AddUser(t.Context(), u, event(u)) != nil {
				t.Error("no user can be added meanwhile")
			}
		}
		var packed bytes.Buffer
		done, err := b.Run(t.Context(), &packed)
		if err != nil || !done.Header.AtOneMoment || done.Trailer.Records[hub.RecordUser] != 1500 || done.Trailer.Records[hub.RecordEvent] != 1500 || added < 6 {
			t.Errorf("%+v after %d were added, %v", done, added, err)
		}
	})
}

func TestABackupThatCannotBeWrittenFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is full")
	if _, err := newBackup(newFile(t, 1500)).Run(t.Context(), fullAfter{&bytes.Buffer{}, 10_000, broken}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// fullAfter takes so many bytes.
type fullAfter struct {
	*bytes.Buffer
	size int
	err  error
}

func (f fullAfter) Write(p []byte) (int, error) {
	if f.Len()+len(p) > f.size {
		return 0, f.err
	}
	return f.Buffer.Write(p)
}
