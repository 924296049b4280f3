package userfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/userfile"
)

const bcryptHash = "$2y$04$NZ7Reo7lAOLZmxgKSOILx.cdpqJRdE7KzA/umWYR0jEx2A3exOC6m"

// read reads everything. It returns what ended the file, nil for its end.
func read(f userfile.Format, text string) ([]userfile.Row, error) {
	r, err := userfile.NewReader(f, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var rows []userfile.Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

// found writes down what is wrong with rows, as "line: location: message".
func found(rows []userfile.Row) []string {
	var all []string
	for _, row := range rows {
		for _, w := range row.Wrong {
			all = append(all, fmt.Sprintf("%d: %s: %s", row.Line, w.Location, w.Message))
		}
	}
	return all
}

func TestRowsAreReadAlikeInBothFormats(t *testing.T) {
	t.Parallel()
	full := hub.User{
		ID: "0198c0de-7a11-7c0d-8b1e-0123456789ab", Email: "ada@example.com", FirstName: "Ada \"A\"", LastName: "Lovelace, Countess", Role: hub.RoleModerator,
		IsEmailVerified: true, Phone: "+4930901820", Timezone: "Europe/Berlin", Locale: "de-DE", Metadata: []byte(`{"plan":"=1+1"}`),
		CreatedAt: time.Date(2024, 1, 2, 3, 4, 5, 678e6, time.UTC), PasswordHash: hub.NewSecret(bcryptHash),
	}
	least := hub.User{Email: "bob@example.com", IsActive: true}
	tests := []struct {
		name, text string
		format     userfile.Format
		lines      []int
	}{
		{"JSON Lines", "\ufeff" + `{"userId":"0198c0de-7a11-7c0d-8b1e-0123456789ab","email":" ADA@Example.com","firstName":"Ada \"A\"","lastName":"Lovelace, Countess",` +
			`"role":"moderator","isActive":false,"isEmailVerified":true,"phone":"+4930901820","avatar":null,"timezone":"Europe/Berlin","locale":"de_de",` +
			`"metadata":{ "plan" : "=1+1" },"createdAt":"2024-01-02T04:04:05.6789+01:00","passwordHash":"` + bcryptHash + `"}` + "\r\n\r\n" + `{"email":"bob@example.com"}`, userfile.JSONLines, []int{1, 3}},
		{"CSV", "\ufeffemail,userId,firstName,lastName,role,isActive,isEmailVerified,phone,avatar,timezone,locale,metadata,createdAt,passwordHash\r\n" +
			`" ADA@Example.com",0198c0de-7a11-7c0d-8b1e-0123456789ab,"Ada ""A""","Lovelace, Countess",moderator,FALSE,t,'+4930901820,,Europe/Berlin,de_de,` +
			"\"{\n\"\"plan\"\":\"\"=1+1\"\"\n}\",2024-01-02T04:04:05.6789+01:00," + bcryptHash + "\r\nbob@example.com,,,,,,,,,,,,,\r\n", userfile.CSV, []int{2, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(tt.format, tt.text)
			if err != nil || len(rows) != 2 || len(found(rows)) > 0 {
				t.Fatalf("%d rows, %v, %v", len(rows), found(rows), err)
			}
			for i, want := range []hub.User{full, least} {
				if diff := cmp.Diff(want, rows[i].User, cmp.Comparer(func(a, b hub.Secret) bool { return a == b })); diff != "" || rows[i].Line != tt.lines[i] {
					t.Errorf("line %d:\n%s", rows[i].Line, diff)
				}
			}
		})
	}
}

func TestMistakesAreNamedAndNotRepeated(t *testing.T) {
	t.Parallel()
	const secret = "kX7!vPqz"
	tests := []struct {
		name   string
		format userfile.Format
		text   string
		want   []string // parts of what is found, in order
	}{
		{"no address", userfile.JSONLines, `{"firstName":"Ada"}`, []string{"1: email: is required"}},
		{"bad values", userfile.JSONLines, "\n" + `{"email":"kX7!vPqz","phone":"kX7!vPqz","role":"kX7!vPqz","userId":"kX7!vPqz","createdAt":"kX7!vPqz","passwordHash":"kX7!vPqz"}`, []string{
			"2: userId: must be a UUID", "2: email: must be an e-mail address", "2: role: must be super_admin", "2: phone: must", "2: createdAt: must be a time", "2: passwordHash: must be a hash",
		}},
		{"bad types", userfile.JSONLines, `{"email":1,"isActive":"true","metadata":[],"firstName":{"a":"kX7!vPqz"}}`, []string{
			"1: email: must be a text", "1: isActive: must be true or false", "1: metadata: must be an object", "1: firstName: must be a text",
		}},
		{"unknown fields", userfile.JSONLines, `{"email":"a@example.com","shoeSize":"kX7!vPqz","password":"kX7!vPqz","Email":"x"}`, []string{
			"1: shoeSize: is no field", "1: password: passwords are not taken", "1: Email: is no field",
		}},
		{"unprintable field", userfile.JSONLines, `{"email":"a@example.com","a\u001bb":1}`, []string{`1: "a\x1bb": is no field`}},
		{"name twice", userfile.JSONLines, `{"email":"a@example.com","email":"b@example.com"}`, []string{"1: row: must be one JSON object"}},
		{"two values", userfile.JSONLines, `{"email":"a@example.com"} {}`, []string{"1: row: must be one JSON object"}},
		{"cut", userfile.JSONLines, `{"email":"a@example.com"`, []string{"1: row: must be one JSON object"}},
		{"no object", userfile.JSONLines, `["kX7!vPqz"]` + "\n" + `{"email":"a@example.com"}`, []string{"1: row: must be a JSON object"}},
		{"not UTF-8", userfile.JSONLines, "{\"email\":\"a@example.com\",\"firstName\":\"\xff\"}", []string{"1: row: must be one JSON object"}},
		{"a huge line", userfile.JSONLines, `{"email":"` + strings.Repeat("kX7!vPqz", 40_000) + `"}` + "\n[]", []string{"1: row: is longer than 256 KiB", "2: row: must be a JSON object"}},
		{"cells", userfile.CSV, "email,firstName\na@example.com\nb@example.com,Bob,kX7!vPqz\n,Bob\n", []string{
			"2: row: has another number of cells", "3: row: has another number of cells", "4: email: is required",
		}},
		{"bad cells", userfile.CSV, "email,isActive,metadata,firstName\na@example.com,kX7!vPqz,kX7!vPqz,\xff\n", []string{
			"2: firstName: must not contain", "2: isActive: must be true or false", "2: metadata: must be a JSON object",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(tt.format, tt.text)
			got := found(rows)
			if err != nil || len(got) != len(tt.want) {
				t.Fatalf("got %q, %v", got, err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(got[i], want) || strings.Contains(got[i], secret) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "the file is empty"},
		{"only a mark", "\ufeff", "the file is empty"},
		{"no heading", "ada@example.com,Ada,Lovelace\n", "line 1: the column ada@example.com is no field of an account"},
		{"passwords", "email,password\n", "line 1: the column password passwords are not taken"},
		{"a column twice", "email,email\n", "line 1: the column email is there twice"},
		{"a quotation mark too many", "email,firstName\na@example.com,A\"da\n", "line 2: is not CSV"},
		{"a quotation mark too few", "email,firstName\na@example.com,\"" + strings.Repeat("kX7!vPqz\n", 100_000), "a row is longer than 256 KiB"},
	} {
		if _, err := read(userfile.CSV, tt.text); err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "kX7!vPqz") {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func write(t testing.TB, f userfile.Format, withHashes bool, all ...hub.User) string {
	t.Helper()
	var b bytes.Buffer
	w, err := userfile.NewWriter(f, &b, withHashes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if err := w.Write(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNoHashIsWrittenUnlessAskedFor(t *testing.T) {
	t.Parallel()
	u := hub.User{Email: "a@example.com", Role: hub.RoleUser, PasswordHash: hub.NewSecret(bcryptHash)}
	for _, f := range []userfile.Format{userfile.JSONLines, userfile.CSV} {
		if got := write(t, f, false, u); strings.Contains(got, "$2") || strings.Contains(got, "passwordHash") {
			t.Errorf("%s: %s", f, got)
		}
		if got := write(t, f, true, u); !strings.Contains(got, bcryptHash) {
			t.Errorf("%s with hashes: %s", f, got)
		}
	}
}

// OWASP, "CSV Injection".
func TestSpreadsheetsRunNothing(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		`=HYPERLINK("x")`: `"'=HYPERLINK(""x"")"`, "+1": "'+1", "-1": "'-1", "@x": "'@x", "'=x": "''=x", "'t Hooft": "'t Hooft", "a=b": "a=b",
	} {
		text := write(t, userfile.CSV, false, hub.User{Email: "a@example.com", FirstName: name, LastName: "x", Role: hub.RoleUser})
		if !strings.Contains(text, ","+want+",x,") {
			t.Errorf("%s is written as %s", name, text)
		}
		if rows, err := read(userfile.CSV, text); err != nil || rows[0].User.FirstName != name {
			t.Errorf("%s comes back as %q, %v", name, rows[0].User.FirstName, err)
		}
	}
}

// Whatever can be read is written and read again as the same.
func checkRoundTrip(t *testing.T, f userfile.Format, text string) {
	rows, _ := read(f, text) // whatever ends the file
	for _, row := range rows {
		if row.Wrong != nil || row.Missing() != nil {
			continue
		}
		row.User.Role = max(row.User.Role, hub.RoleGuest)
		for _, other := range []userfile.Format{userfile.JSONLines, userfile.CSV} {
			again, err := read(other, write(t, other, true, row.User))
			if err != nil || len(again) != 1 || !cmp.Equal(again[0].User, row.User, cmp.Comparer(func(a, b hub.Secret) bool { return a == b })) {
				t.Errorf("%s: %+v became %+v, %v", other, row.User, again, err)
			}
		}
	}
}

func FuzzJSONLines(f *testing.F) {
	f.Add(`{"email":"a@example.com","firstName":"=1","lastName":"B","metadata":{"a":[1]},"createdAt":"2024-01-02T03:04:05Z"}`)
	f.Add("\ufeff{}\r\n\r\n[")
	f.Fuzz(func(t *testing.T, text string) { checkRoundTrip(t, userfile.JSONLines, text) })
}

func FuzzCSV(f *testing.F) {
	f.Add("email,firstName,lastName,isActive,phone\na@example.com,\"'=1\",\"B\"\"\",f,'+4930901820\n")
	f.Add("\ufeffemail\r\n\"a\n")
	f.Fuzz(func(t *testing.T, text string) { checkRoundTrip(t, userfile.CSV, text) })
}

func TestAnUpdateChangesWhatTheRowSays(t *testing.T) {
	t.Parallel()
	rows, err := read(userfile.JSONLines, `{"email":"a@example.com","firstName":"Ada","phone":"","isActive":false,"createdAt":"2024-01-02T03:04:05Z","passwordHash":"`+bcryptHash+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	before := hub.User{ID: "x", Email: "a@example.com", FirstName: "Bob", LastName: "Lovelace", Phone: "+4930901820", IsActive: true, PasswordHash: hub.NewSecret("theirs")}
	after := before
	rows[0].Update(&after)
	want := before
	want.FirstName, want.IsActive = "Ada", false
	if !cmp.Equal(after, want, cmp.Comparer(func(a, b hub.Secret) bool { return a == b })) {
		t.Errorf("got %+v", after)
	}
	after.PasswordHash = hub.Secret{}
	if rows[0].Update(&after); after.PasswordHash.Reveal() != bcryptHash {
		t.Error("an account without a password gets none")
	}
}
