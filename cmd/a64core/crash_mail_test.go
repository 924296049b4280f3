package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

// EML-25: the server is killed with mails queued, and with two in hand that the mail server has taken but not answered.
// After the restart every acknowledged registration and request has its mail, and those two at most one more.
func TestR36_KillLosesNoQueuedMail(t *testing.T) {
	t.Parallel()
	const accounts, answered = 50, 10
	dir := t.TempDir()
	mails := startMailServer(t, answered)
	settings := []string{"MAIL_DRIVER=smtp", "MAIL_FROM=hub@example.com", "SMTP_URL=" + mails.url}
	s := serve(t, dir, settings...)
	want := make(map[string]bool)
	for n := range accounts {
		s.want(t, 201, "POST", "/api/v1/auth/register", "", registration(address(n)))
		want[address(n)+" /verify-email"] = true
		if n%5 == 0 {
			s.want(t, 200, "POST", "/api/v1/auth/request-password-reset", "", map[string]string{"email": address(n)})
			want[address(n)+" /reset-password"] = true
		}
	}
	waitForMails(t, mails, answered+2, nil)
	s.kill()
	mails.release()
	db := openSQL(t, sqlstore.Config{Path: filepath.Join(dir, "a64core.db")})
	if held := endLeases(t, db); held == 0 || held > 2 {
		t.Errorf("%d mails were in hand, want 1 or 2", held)
	}
	restarted := serve(t, dir, settings...)
	waitForMails(t, mails, len(want), want)
	waitUntilSent(t, db, len(want), 0)
	if code := restarted.terminate(t); code != exitOK {
		t.Errorf("exit code %d\n%s", code, restarted.log)
	}
	twice := 0
	for mail, n := range mails.counts() {
		if !want[mail] || n > 2 {
			t.Errorf("%s: %d mails", mail, n)
		}
		twice += n - 1
	}
	if twice > 2 {
		t.Errorf("%d mails went out twice, want those in hand alone", twice)
	}
}

// endLeases lets the time pass after which a killed server's mails in hand may be taken over, and returns their number.
func endLeases(t *testing.T, db hub.Database) (held int) {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	due, err := db.DueMails(t.Context(), now.Add(time.Hour), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range due {
		if m.Attempts == 0 {
			continue
		}
		held++
		m.DueAt = now
		if err := db.UpdateMail(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	return held
}

func openSQL(t *testing.T, c sqlstore.Config) hub.Database {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), c)
	return opened(t, db, err)
}

func opened(t *testing.T, db hub.Database, err error) hub.Database {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its server may be gone
	return db
}

// waitForMails waits until the mail server took so many different mails, and all that are wanted.
func waitForMails(t *testing.T, mails *mailServer, n int, want map[string]bool) {
	t.Helper()
	waitFor(t, func() string {
		took := mails.counts()
		for mail := range want {
			if took[mail] == 0 {
				return "no mail " + mail
			}
		}
		if len(took) < n {
			return fmt.Sprintf("%d mails of %d", len(took), n)
		}
		return ""
	})
}

func waitUntilSent(t *testing.T, db hub.Database, n, queued int) {
	t.Helper()
	waitFor(t, func() string {
		stats, err := db.Stats(t.Context(), time.Now())
		if err != nil || stats.Mails[hub.MailSent] != n || stats.Mails[hub.MailQueued] != queued {
			return fmt.Sprintf("mails %v, want %d sent and %d queued; %v", stats.Mails, n, queued, err)
		}
		return ""
	})
}

// waitFor waits until nothing is missing.
func waitFor(t *testing.T, missing func() string) {
	t.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-tick.C:
		case <-timeout.C:
			t.Fatal(what)
		}
	}
}
