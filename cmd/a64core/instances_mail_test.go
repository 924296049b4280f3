//go:build linux

package main

import (
	"testing"
)

// smtpSettings have instances send by the mail server.
func smtpSettings(m *mailServer) []string {
	return []string{"MAIL_DRIVER=smtp", "MAIL_FROM=hub@example.com", "SMTP_URL=" + m.url}
}

// EML-25: three instances work on one queue. One is killed with mails in hand that the mail server has taken and not
// answered. The others send what is left, each mail once, but for those in hand, which nobody can know to have been taken.
func TestR36_InstancesShareTheMailQueueAndOutliveEachOther(t *testing.T) {
	t.Parallel()
	for _, mode := range fleetModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			const accounts, answered, inHand = 60, 20, 2 // of one instance at most
			mails := startMailServer(t, answered)
			f := newFleet(t, mode, smtpSettings(mails)...)
			want := make(map[string]bool)
			for n := range accounts {
				f.instances[n%3].want(t, 201, "POST", "/api/v1/auth/register", "", registration(address(n)))
				want[address(n)+" /verify-email"] = true
			}
			waitForMails(t, mails, answered+3*inHand, nil) // every worker of every instance waits for an answer
			f.instances[0].kill()
			mails.release()
			db := f.open()
			waitUntilSent(t, db, accounts-inHand, inHand)
			if held := endLeases(t, db); held != inHand {
				t.Errorf("%d mails were in hand, want %d", held, inHand)
			}
			waitForMails(t, mails, len(want), want)
			waitUntilSent(t, db, accounts, 0)
			twice := 0
			for mail, n := range mails.counts() {
				if !want[mail] || n > 2 {
					t.Errorf("%s: %d mails", mail, n)
				}
				twice += n - 1
			}
			if twice != inHand {
				t.Errorf("%d mails went out twice, want those %d in hand", twice, inHand)
			}
		})
	}
}
