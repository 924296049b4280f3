package userfile

import (
	"fmt"
	"strconv"
	"unicode"

	"github.com/a64core/hub"
)

// Row is one account as a file has it.
type Row struct {
	Line  int              // where it begins, from 1
	User  hub.User         // what the row says; active unless it says otherwise, and without a role if it names none
	Wrong []hub.FieldError // what is wrong with it, by column; "row" is the whole of it

	columns []column
	values  []string // by column; "" is none
}

// newRow reads the values.
func newRow(line int, columns []column, values []string, wrong []hub.FieldError) Row {
	r := Row{Line: line, User: hub.User{IsActive: true}, Wrong: wrong, columns: columns, values: values}
	bad := make(map[string]bool, len(wrong))
	for _, w := range wrong {
		bad[w.Location] = true
	}
	for i, c := range columns {
		if values[i] == "" {
			continue
		}
		if err := c.read(&r.User, values[i]); err != nil {
			bad[c.name] = true
			r.Wrong = append(r.Wrong, hub.FieldError{Location: c.name, Message: err.Error()})
		}
	}
	if r.User.Email == "" && !bad["email"] && !bad[wholeRow] {
		r.Wrong = append(r.Wrong, missing("email"))
	}
	return r
}

// Missing returns what a new account needs besides its address and the row does not say.
func (r *Row) Missing() []hub.FieldError {
	var lacks []hub.FieldError
	if r.User.FirstName == "" {
		lacks = append(lacks, missing("firstName"))
	}
	if r.User.LastName == "" {
		lacks = append(lacks, missing("lastName"))
	}
	return lacks
}

// Update writes what the row says into an account that is there already, as far as an import may change it: its id, its
// times and a password that it has stay.
func (r *Row) Update(u *hub.User) {
	for i, c := range r.columns {
		if r.values[i] == "" || c.stays {
			continue
		}
		_ = c.read(u, r.values[i]) // it was read before
	}
	if u.PasswordHash.Reveal() == "" {
		u.PasswordHash = r.User.PasswordHash
	}
}

// wholeRow is the location of what is wrong with no column in particular.
const wholeRow = "row"

func missing(name string) hub.FieldError {
	return hub.FieldError{Location: name, Message: "is required"}
}

// unknown is about a name that is no column.
func unknown(name string) hub.FieldError {
	if name == "password" {
		return hub.FieldError{Location: name, Message: "passwords are not taken as they are: give their hashes, as passwordHash"}
	}
	return hub.FieldError{Location: shown(name), Message: "is no field of an account"}
}

// shown returns a name that may be anything in a form that fits a line.
func shown(name string) string {
	const longest = 40
	if r := []rune(name); len(r) > longest {
		name = string(r[:longest]) + "..."
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// lineError says where reading a file came to its end.
func lineError(line int, err error) error { return fmt.Errorf("line %d: %w", line, err) }
