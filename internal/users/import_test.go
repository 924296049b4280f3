package users_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/hubtest"
	"github.com/a64core/hub/internal/userfile"
	"github.com/a64core/hub/internal/users"
)

const (
	foreignPassword = "kX7!vPqz"
	foreignHash     = "$argon2id$v=19$m=1024,t=2,p=2$c29tZXNhbHRzYWx0$hXfsLSnsqTC6DErixA3C+XbMSGUPNjo3Ehn+rHblmlQ" // by the argon2 program
)

// imports runs an import of JSON Lines as the operator and returns what was wrong, in the order of lines.
func imports(t *testing.T, h *hubtest.Hub, text string, change func(*app.Import)) (app.Imported, []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	type mistake struct {
		line int
		text string
	}
	var found []mistake
	job := app.Import{
		Path: path, Format: userfile.JSONLines, Rules: users.ImportRules{OnConflict: users.ConflictFail, DefaultRole: hub.RoleUser},
		Begin: func(string) {}, Progress: func(int, int) {},
		Rejected: func(line int, wrong []hub.FieldError) error {
			for _, w := range wrong {
				found = append(found, mistake{line, fmt.Sprintf("%d: %s: %s", line, w.Location, w.Message)})
			}
			return nil
		},
	}
	if change != nil {
		change(&job)
	}
	made, err := job.Run(users.AsSystem(t.Context()), h.App.Users)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(found, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var texts []string
	for _, m := range found {
		texts = append(texts, m.text)
	}
	return made, texts
}

func on(c users.Conflict) func(*app.Import) { return func(i *app.Import) { i.Rules.OnConflict = c } }

func person(email string, more ...string) string {
	return fmt.Sprintf(`{"email":%q,"firstName":"Ada","lastName":"Lovelace"%s}`, email, strings.Join(append([]string{""}, more...), ",")) + "\n"
}

func storedByEmail(t *testing.T, h *hubtest.Hub, email string) hub.User {
	t.Helper()
	u, err := h.Store.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatalf("%s: %v", email, err)
	}
	return u
}

func eventsOf(t *testing.T, h *hubtest.Hub, id string, kind hub.EventKind) int {
	t.Helper()
	all, err := h.Store.Events(t.Context(), hub.EventQuery{UserID: id, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range all {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestImportedUsersSignInAndGetAHashOfOurs(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t, hubtest.Settings{"HASH_QUEUE": "100", "HASH_WAIT": "1m"})
	made, wrong := imports(t, h, person("ada@example.com", `"isEmailVerified":true`, `"passwordHash":"`+foreignHash+`"`)+person("bob@example.com"), nil)
	if made.Added != 2 || wrong != nil {
		t.Fatalf("%+v, %v", made, wrong)
	}
	before := storedByEmail(t, h, "ada@example.com")
	h.TryLogin(t, "ada@example.com", "Wrong-Horse-7").Want(t, 401, "INVALID_CREDENTIALS")
	h.TryLogin(t, "bob@example.com", foreignPassword).Want(t, 401, "INVALID_CREDENTIALS") // who has no password at all
	if after := h.Stored(t, before.ID); after.PasswordHash != before.PasswordHash || eventsOf(t, h, before.ID, hub.EventUserImported) != 1 {
		t.Errorf("after a wrong password: %+v", after)
	}
	// Several logins at once renew it once, and all succeed.
	answers := make(chan int, 4)
	for range cap(answers) {
		go func() {
			a, err := h.Try(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/login", Body: map[string]any{"email": "ada@example.com", "password": foreignPassword}})
			if err != nil {
				t.Error(err)
			}
			answers <- a.Status
		}()
	}
	succeeded := 0
	for range cap(answers) {
		if <-answers == 200 {
			succeeded++
		}
	}
	after := h.Stored(t, before.ID)
	if succeeded != cap(answers) || !strings.HasPrefix(after.PasswordHash.Reveal(), "$2a$") || eventsOf(t, h, before.ID, hub.EventPasswordRehashed) != 1 {
		t.Errorf("%d succeeded; %.4s, %d events", succeeded, after.PasswordHash.Reveal(), eventsOf(t, h, before.ID, hub.EventPasswordRehashed))
	}
	h.Login(t, "ada@example.com", foreignPassword)

	h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/request-password-reset", Body: map[string]any{"email": "bob@example.com"}}).Want(t, 200)
	h.Do(t, hubtest.Request{Method: "POST", Path: "/api/v1/auth/reset-password", Body: map[string]any{"token": h.LinkTo(t, "bob@example.com"), "newPassword": hubtest.Password}}).Want(t, 200)
	h.Login(t, "bob@example.com", hubtest.Password)
}

func TestNothingIsImportedIfARowIsWrong(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	h.Register(t, "taken@example.com")
	ada := h.Stored(t, h.Register(t, "ada@example.com"))
	file := person("new@example.com") +
		person("TAKEN@example.com") +
		`{"email":"half@example.com","firstName":"Ada"}` + "\n" +
		person("root@example.com", `"role":"super_admin"`) +
		person("new@EXAMPLE.com") +
		person("late@example.com", `"createdAt":"2999-01-02T03:04:05Z"`) +
		person("other@example.com", `"userId":"`+ada.ID+`"`) +
		person("bad@example.com", `"timezone":"Mars/Olympus"`)
	want := []string{
		"2: email: is that of an account", "3: lastName: is required", "4: role: super_admin needs", "5: row: has the address or id of line 1",
		"6: createdAt: must not be in the future", "7: userId: is the id of an account with another address", "8: timezone: must be an IANA",
	}
	check := func(wrong []string) {
		t.Helper()
		if len(wrong) != len(want) {
			t.Fatalf("found %q", wrong)
		}
		for i := range want {
			if !strings.HasPrefix(wrong[i], want[i]) {
				t.Errorf("found %q, want %q", wrong[i], want[i])
			}
		}
	}
	made, wrong := imports(t, h, file, nil)
	if check(wrong); made.Written || made.Rejected != 7 || made.Added != 1 {
		t.Errorf("%+v", made)
	}
	if _, err := h.Store.UserByEmail(t.Context(), "new@example.com"); err == nil {
		t.Error("something was written")
	}
	made, wrong = imports(t, h, file, func(i *app.Import) { i.SkipInvalid = true })
	if check(wrong); !made.Written || made.Rejected != 7 || made.Added != 1 {
		t.Errorf("skipping: %+v", made)
	}
	if made, wrong = imports(t, h, file, func(i *app.Import) { i.SkipInvalid, i.Rules.SuperAdmins = true, true }); made.Added != 1 || made.Unchanged != 1 || len(wrong) != 6 {
		t.Errorf("with super_admins: %+v, %q", made, wrong)
	}
}

func TestConflictsAreFailuresSkippedOrUpdates(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	h.SignUp(t, hub.RoleSuperAdmin)
	ada := h.SignUp(t, hub.RoleModerator)
	gone := h.Stored(t, h.Register(t, "gone@example.com"))
	h.Edit(t, gone.ID, func(u *hub.User) { u.DeletedAt = h.Clock.Now() })
	before := h.Stored(t, ada.ID)

	row := `{"email":"` + ada.Email + `","lastName":"Byron","isActive":false,"passwordHash":"` + foreignHash + `"}` + "\n"
	if made, _ := imports(t, h, row, on(users.ConflictSkip)); made.Skipped != 1 {
		t.Errorf("skip: %+v", made)
	}
	if now := h.Stored(t, ada.ID); now.Version != before.Version {
		t.Error("skipping changed the account")
	}
	made, wrong := imports(t, h, row, on(users.ConflictUpdate))
	now := h.Stored(t, ada.ID)
	if made.Updated != 1 || wrong != nil || now.LastName != "Byron" || now.FirstName != before.FirstName || now.Role != before.Role || now.IsActive ||
		now.PasswordHash != before.PasswordHash || eventsOf(t, h, ada.ID, hub.EventUserImported) != 1 {
		t.Errorf("update: %+v, %q, %+v", made, wrong, now)
	}
	h.Me(t, ada.AccessToken).Want(t, 401)
	if made, _ = imports(t, h, row, on(users.ConflictUpdate)); made.Unchanged != 1 || h.Stored(t, ada.ID).Version != now.Version {
		t.Errorf("the same again: %+v", made)
	}
	if made, wrong = imports(t, h, person("gone@example.com"), on(users.ConflictUpdate)); made.Rejected != 1 || !strings.Contains(wrong[0], "deleted account") {
		t.Errorf("deleted: %+v, %q", made, wrong)
	}
	if made, _ = imports(t, h, person("gone@example.com"), on(users.ConflictSkip)); made.Skipped != 1 {
		t.Errorf("deleted, skipped: %+v", made)
	}
}

func TestImportLeavesASuperAdmin(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	root := h.SignUp(t, hub.RoleSuperAdmin)
	made, wrong := imports(t, h, person(root.Email, `"role":"user"`), func(i *app.Import) { i.Rules.OnConflict, i.SkipInvalid = users.ConflictUpdate, true })
	if made.Rejected != 1 || len(wrong) != 1 || !strings.Contains(wrong[0], "at least one active super_admin must remain") || h.Stored(t, root.ID).Role != hub.RoleSuperAdmin {
		t.Errorf("%+v, %q", made, wrong)
	}
}

// The janitor purges accounts that were never verified by the time that they were added.
func TestUnverifiedImportsAreNotPurgedAtOnce(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	old := `"createdAt":"2019-01-02T03:04:05Z"`
	imports(t, h, person("new@example.com", old)+person("old@example.com", old, `"isEmailVerified":true`), func(i *app.Import) { i.Rules.SendVerification = true })
	if u := storedByEmail(t, h, "old@example.com"); u.CreatedAt.Year() != 2019 {
		t.Errorf("a verified account was created %v", u.CreatedAt)
	}
	if u := storedByEmail(t, h, "new@example.com"); !u.CreatedAt.Equal(h.Clock.Now()) {
		t.Errorf("an unverified account was created %v", u.CreatedAt)
	}
	h.LinkTo(t, "new@example.com")
	if mails := h.Outbox.To("old@example.com"); len(mails) > 0 {
		t.Errorf("%d mails to a verified address", len(mails))
	}
}

func TestAnInterruptedImportGoesOn(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	const n = 500
	var text strings.Builder
	for i := range n {
		text.WriteString(person(fmt.Sprintf("user%d@example.com", i)))
	}
	path := filepath.Join(t.TempDir(), "users.jsonl")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(users.AsSystem(t.Context()))
	writing := false
	job := app.Import{
		Path: path, Format: userfile.JSONLines, Rules: users.ImportRules{OnConflict: users.ConflictFail, DefaultRole: hub.RoleUser},
		Begin: func(what string) { writing = what == "Importing" },
		Progress: func(done, _ int) {
			if writing && done == n/2 {
				cancel()
			}
		},
		Rejected: func(int, []hub.FieldError) error { return nil },
	}
	if made, err := job.Run(ctx, h.App.Users); err == nil || made.Added == 0 || made.Added == n {
		t.Fatalf("interrupted: %+v, %v", made, err)
	}
	made, wrong := imports(t, h, text.String(), nil)
	page, err := h.Store.Users(t.Context(), hub.UserQuery{Limit: 1})
	if err != nil || wrong != nil || made.Rows != n || made.Added == 0 || made.Added+made.Unchanged != n || page.Total != n {
		t.Errorf("again: %+v, %q; %d users, %v", made, wrong, page.Total, err)
	}
}

func TestOnlyWhoMayAssignTheRoleImports(t *testing.T) {
	t.Parallel()
	h := hubtest.Start(t)
	rows, err := userfile.NewReader(userfile.JSONLines, strings.NewReader(person("a@example.com", `"role":"admin"`)))
	if err != nil {
		t.Fatal(err)
	}
	row, err := rows.Next()
	if err != nil {
		t.Fatal(err)
	}
	admin := hub.WithActor(t.Context(), &hub.Actor{User: hub.User{ID: hub.NewID(), Role: hub.RoleAdmin, IsActive: true}})
	if _, err := h.App.Users.Import(admin, &row, users.ImportRules{}); !hub.IsCode(err, hub.CodeForbidden) {
		t.Errorf("an admin imports an admin: %v", err)
	}
	if _, err := h.App.Users.Import(t.Context(), &row, users.ImportRules{}); !hub.IsCode(err, hub.CodeUnauthenticated) {
		t.Errorf("nobody imports: %v", err)
	}
}
