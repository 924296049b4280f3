package main

import (
	"time"

	"github.com/a64core/hub"
)

// userView is an account as commands show it.
type userView struct {
	UserID          string     `json:"userId"`
	Email           string     `json:"email"`
	FirstName       string     `json:"firstName"`
	LastName        string     `json:"lastName"`
	Role            string     `json:"role"`
	IsActive        bool       `json:"isActive"`
	IsEmailVerified bool       `json:"isEmailVerified"`
	LastLoginAt     *time.Time `json:"lastLoginAt"`
	CreatedAt       time.Time  `json:"createdAt"`
	UpdatedAt       time.Time  `json:"updatedAt"`
	DeletedAt       *time.Time `json:"deletedAt"`
}

func newUserView(u hub.User) userView {
	return userView{
		UserID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: u.Role.String(),
		IsActive: u.IsActive, IsEmailVerified: u.IsEmailVerified, LastLoginAt: orNull(u.LastLoginAt),
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, DeletedAt: orNull(u.DeletedAt),
	}
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// state says in a word or two whether the account can be used.
func (v userView) state() string {
	switch {
	case v.DeletedAt != nil:
		return "deleted " + showTime(*v.DeletedAt)
	case !v.IsActive:
		return "inactive"
	case !v.IsEmailVerified:
		return "active, unverified"
	}
	return "active"
}

func showTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func showOptionalTime(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return showTime(*t)
}

func printUser(p *program, u hub.User, asJSON bool) error {
	v := newUserView(u)
	if asJSON {
		return printJSON(p.stdout, v)
	}
	return printTable(p.stdout, v.rows())
}

func (v userView) rows() [][]string {
	return [][]string{
		{"ID", v.UserID},
		{"E-mail", v.Email},
		{"Name", v.FirstName + " " + v.LastName},
		{"Role", v.Role},
		{"State", v.state()},
		{"Created", showTime(v.CreatedAt)},
		{"Last login", showOptionalTime(v.LastLoginAt)},
	}
}
