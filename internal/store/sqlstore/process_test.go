package sqlstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/a64core/hub"
)

// These make TestInAnotherProcess the other process: they name the database and say how many users to add.
const (
	pathVariable  = "SQLSTORE_TEST_PATH"
	countVariable = "SQLSTORE_TEST_COUNT"
)

// TestInAnotherProcess adds users and prints the id of each when the store has answered. It does nothing unless started
// by one of the tests below.
func TestInAnotherProcess(t *testing.T) {
	path := os.Getenv(pathVariable)
	if path == "" {
		t.Skip("the other half of other tests")
	}
	count, err := strconv.Atoi(os.Getenv(countVariable))
	mustDo(t, err)
	s := open(t, path)
	for range count {
		fmt.Println(addUser(t, s, hub.NewID()+"@example.com").ID)
	}
}

// startProcess starts another process that adds users to the database, and returns what it prints.
func startProcess(t *testing.T, path string, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	program, err := os.Executable()
	mustDo(t, err)
	c := exec.CommandContext(t.Context(), program, "-test.run=^TestInAnotherProcess$")
	c.Env = append(os.Environ(), pathVariable+"="+path, countVariable+"="+strconv.Itoa(count))
	out, err := c.StdoutPipe()
	mustDo(t, err)
	mustDo(t, c.Start())
	return c, bufio.NewScanner(out)
}

func TestProcessesShareAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.db")
	one, oneOut := startProcess(t, path, 100)
	other, otherOut := startProcess(t, path, 100)
	s := open(t, path)
	for range 100 {
		addUser(t, s, hub.NewID()+"@example.com")
	}
	var printed []string
	for _, out := range []*bufio.Scanner{oneOut, otherOut} {
		for out.Scan() {
			printed = append(printed, out.Text())
		}
	}
	if err := errors.Join(one.Wait(), other.Wait()); err != nil {
		t.Errorf("%v; they said %q", err, printed)
	}
	page, err := s.Users(t.Context(), hub.UserQuery{Limit: 1})
	mustDo(t, err)
	if page.Total != 300 {
		t.Errorf("%d users, want 300", page.Total)
	}
}

func TestAKilledProcessLosesNothingItAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.db")
	process, out := startProcess(t, path, 1_000_000) // more than it lives to add
	var acknowledged []string
	for out.Scan() {
		acknowledged = append(acknowledged, out.Text())
		if len(acknowledged) == 20 {
			mustDo(t, process.Process.Kill())
		}
	}
	if err := process.Wait(); err == nil || len(acknowledged) < 20 || !hub.IsID(acknowledged[0]) {
		t.Fatalf("the process was not killed in the middle: %v, %q", err, acknowledged)
	}
	s := open(t, path)
	for i, id := range acknowledged {
		if !hub.IsID(id) {
			continue // the last line may be half a line
		}
		u, err := s.UserByID(t.Context(), id)
		if err != nil {
			t.Errorf("acknowledged user %d: %v", i, err)
		}
		events, err := s.Events(t.Context(), hub.EventQuery{UserID: u.ID, Limit: 2})
		if err != nil || len(events) != 1 {
			t.Errorf("acknowledged user %d: %d events, %v", i, len(events), err)
		}
	}
	findings, err := s.Verify(t.Context())
	if err != nil || len(findings) > 0 {
		t.Errorf("after the kill: %q, %v", findings, err)
	}
}

func TestEverythingIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hub.db")
	create(t, path)
	s := open(t, path)
	u := addUser(t, s, "a@example.com")
	se := newSession(u)
	mustDo(t, s.AddSession(ctx, se, hub.NewEvent(ctx, hub.EventSessionStarted, u.ID, u.CreatedAt)))
	m := hub.MailToken{ID: hub.NewID(), UserID: u.ID, Purpose: hub.PurposeReset, CreatedAt: u.CreatedAt, ExpiresAt: u.CreatedAt}
	mustDo(t, s.AddMailToken(ctx, m))
	mustDo(t, s.AddMail(ctx, hub.NewMail(hub.MailReset, u.ID, u.Email, u.CreatedAt), hub.NewEvent(ctx, hub.EventResetAsked, u.ID, u.CreatedAt)))
	mustDo(t, s.PutLockout(ctx, hub.Lockout{Key: "k", Failures: 3}, nil))
	mustDo(t, s.Close())

	s = open(t, path)
	_, owner, err := s.SessionWithUser(ctx, se.ID)
	if err != nil || owner.Email != u.Email || !owner.LastLoginAt.Equal(se.CreatedAt) {
		t.Errorf("session: %v, of %s", err, owner.ID)
	}
	if _, err := s.MailTokenByID(ctx, m.ID); err != nil {
		t.Errorf("mail token: %v", err)
	}
	if l, err := s.LockoutByKey(ctx, "k"); err != nil || l.Failures != 3 {
		t.Errorf("lockout: %+v, %v", l, err)
	}
	if mails, err := s.DueMails(ctx, u.CreatedAt, 10); err != nil || len(mails) != 1 {
		t.Errorf("mails: %d, %v", len(mails), err)
	}
	if events, err := s.Events(ctx, hub.EventQuery{UserID: u.ID, Limit: 10}); err != nil || len(events) != 3 {
		t.Errorf("events: %d, %v", len(events), err)
	}
}
