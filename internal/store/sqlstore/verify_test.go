package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/sqlstore"
)

func TestVerifyFindsDamage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, statement string
		want            []string // with <user> and <session> for their ids
	}{
		{"none", "", nil},
		{"orphan", `PRAGMA foreign_keys = OFF; DELETE FROM users WHERE email = 'a@example.com'`, []string{"refresh_tokens row 1 refers to a row that does not exist"}},
		{"names not folded", `UPDATE users SET last_name = 'Byron'`, []string{"user <user>: cannot be found by name"}},
		{"metadata", `UPDATE users SET metadata = '[]'`, []string{"user <user>: metadata is not a JSON object"}},
		{"no metadata at all", `UPDATE users SET metadata = '{'`, []string{"user <user>: metadata is not a JSON object"}},
		{"address", `UPDATE users SET email = 'A@example.com'`, []string{"user <user>: the address is not canonical"}},
		{"mailed at", `UPDATE users SET mailed_at = 'x'`, []string{"user <user>: cannot be read"}},
		{"spent tokens", `UPDATE refresh_tokens SET spent = '{'`, []string{"session <session>: cannot be read"}},
		{"epoch", `UPDATE refresh_tokens SET epoch = 5`, []string{"session <session>: begun in an epoch that its user has not reached"}},
		{"version", `UPDATE users SET version = 0`, []string{"user <user>: its version is below 1"}},
		{"no guard", `UPDATE users SET role = 'super_admin', is_active = 0`, []string{"user <user>: is a super_admin, but none of them is active"}},
		{"index", `DROP INDEX users_email`, []string{"users has no unique index on e-mail addresses: restore the database from a backup, or repair the index"}},
		{"mail token", `INSERT INTO verification_tokens VALUES ('m', (SELECT user_id FROM users), '', 'password_reset', '', 0, 0, NULL);
			UPDATE users SET verification_token_id = 'm'`, []string{"user <user>: names a mail token of another user, or of another purpose"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, path := t.Context(), filepath.Join(t.TempDir(), "hub.db")
			s := open(t, path)
			u := addUser(t, s, "a@example.com")
			se := newSession(u)
			mustDo(t, s.AddSession(ctx, se, hub.NewEvent(ctx, hub.EventSessionStarted, u.ID, u.CreatedAt)))
			alter(t, path, tt.statement)
			got, err := s.Verify(ctx)
			mustDo(t, err)
			for i := range tt.want {
				tt.want[i] = strings.NewReplacer("<user>", u.ID, "<session>", se.ID).Replace(tt.want[i])
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVerifyFindsADamagedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, path)
	for range 200 {
		addUser(t, s, hub.NewID()+"@example.com")
	}
	mustDo(t, s.Close()) // which moves everything from the log into the file

	file, err := os.OpenFile(path, os.O_RDWR, 0)
	mustDo(t, err)
	info, err := file.Stat()
	mustDo(t, err)
	_, err = file.WriteAt([]byte(strings.Repeat("\xff", 8192)), info.Size()/2)
	mustDo(t, errors.Join(err, file.Close()))
	damaged, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
	mustDo(t, err)
	defer func() { mustDo(t, damaged.Close()) }()
	findings, err := damaged.Verify(t.Context())
	if err != nil || len(findings) == 0 {
		t.Errorf("findings %q, %v", findings, err)
	}
}
