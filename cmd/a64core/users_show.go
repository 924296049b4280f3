package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
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

type usersListCommand struct {
	Role     string `enum:"super_admin,admin,moderator,user,guest," default:"" help:"Only this role."`
	Active   bool   `xor:"state" help:"Only accounts that may sign in."`
	Inactive bool   `xor:"state" help:"Only deactivated accounts."`
	Deleted  bool   `xor:"state" help:"Only deleted accounts, which the API does not show."`
	Search   string `help:"Only accounts whose address or name begins so."`
	Limit    int    `default:"50" help:"How many to show at most."`
	Offset   int    `default:"0" help:"How many to skip."`
	JSON     bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (usersListCommand) Help() string {
	return `Newest first.

Examples:

    a64core users list --role admin
    a64core users list --deleted
    a64core users list --search ada --json`
}

// Run lists the accounts.
func (cmd usersListCommand) Run(ctx context.Context, p *program) error {
	q := hub.UserQuery{
		Deleted: cmd.Deleted, Search: cmd.Search, Limit: max(cmd.Limit, 1), Offset: max(cmd.Offset, 0), Sort: hub.UserSort{Descending: true},
	}
	q.Role, _ = hub.ParseRole(cmd.Role) // "" asks for every role
	if cmd.Active || cmd.Inactive {
		q.IsActive = &cmd.Active
	}
	ctx = asOperator(ctx)
	return p.withHub(ctx, func(a *app.App) error {
		page, err := a.Users.List(ctx, q)
		if err != nil {
			return err
		}
		views := make([]userView, len(page.Users))
		for i, u := range page.Users {
			views[i] = newUserView(u)
		}
		if cmd.JSON {
			return printJSON(p.stdout, struct {
				Data  []userView `json:"data"`
				Total int        `json:"total"`
			}{views, page.Total})
		}
		rows := [][]string{{"ID", "E-MAIL", "NAME", "ROLE", "STATE", "LAST LOGIN"}}
		for _, v := range views {
			rows = append(rows, []string{v.UserID, v.Email, v.FirstName + " " + v.LastName, v.Role, v.state(), showOptionalTime(v.LastLoginAt)})
		}
		if err := printTable(p.stdout, rows); err != nil {
			return err
		}
		return printText(p.stdout, "%d of %d\n", len(views), page.Total)
	})
}

type usersShowCommand struct {
	target
	Events int `default:"10" help:"How many of its latest events to show."`
}

// Help returns examples.
func (usersShowCommand) Help() string {
	return "Examples:\n\n    a64core users show ada@example.com\n    a64core users show ada@example.com --events 100 --json"
}

// Run shows the account.
func (cmd usersShowCommand) Run(ctx context.Context, p *program) error {
	ctx = asOperator(ctx)
	return p.withHub(ctx, func(a *app.App) error {
		u, err := cmd.find(ctx, a)
		if err != nil {
			return err
		}
		sessions, err := hub.LiveSessions(ctx, a.Store, u, time.Now())
		if err != nil {
			return err
		}
		var events []hub.Event
		if cmd.Events > 0 {
			if events, err = a.Store.Events(ctx, hub.EventQuery{UserID: u.ID, Limit: cmd.Events}); err != nil {
				return err
			}
		}
		if cmd.JSON {
			return printJSON(p.stdout, struct {
				userView
				Sessions int         `json:"sessions"`
				Events   []eventView `json:"events"`
			}{newUserView(u), len(sessions), eventViews(events)})
		}
		rows := append(newUserView(u).rows(), []string{"Sessions", fmt.Sprint(len(sessions))})
		if err := printTable(p.stdout, rows); err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		if err := printText(p.stdout, "\n"); err != nil {
			return err
		}
		return printEvents(p, events)
	})
}

type eventsCommand struct {
	User  string `help:"Only events by or about this account: its id."`
	Limit int    `default:"50" help:"How many to show at most."`
	JSON  bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (eventsCommand) Help() string {
	return `Shows the audit trail, newest first: what happened, to whom, by whom, when and from where.

Examples:

    a64core events
    a64core events --user 0198c0de-7a11-7c0d-8b1e-0123456789ab --limit 500 --json`
}

// Run shows the events.
func (cmd eventsCommand) Run(ctx context.Context, p *program) error {
	return p.withHub(ctx, func(a *app.App) error {
		events, err := a.Store.Events(ctx, hub.EventQuery{UserID: cmd.User, Limit: max(cmd.Limit, 1)})
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printJSON(p.stdout, eventViews(events))
		}
		return printEvents(p, events)
	})
}

// eventView is an event as commands show it.
type eventView struct {
	EventID   string            `json:"eventId"`
	Kind      string            `json:"kind"`
	At        time.Time         `json:"at"`
	ActorID   string            `json:"actorId,omitempty"`
	TargetID  string            `json:"targetId,omitempty"`
	SessionID string            `json:"sessionId,omitempty"`
	EmailKey  string            `json:"emailKey,omitempty"`
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"userAgent,omitempty"`
	RequestID string            `json:"requestId,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
}

func eventViews(events []hub.Event) []eventView {
	views := make([]eventView, len(events))
	for i, e := range events {
		views[i] = eventView{
			EventID: e.ID, Kind: string(e.Kind), At: e.At, ActorID: e.ActorID, TargetID: e.TargetID, SessionID: e.SessionID,
			EmailKey: e.EmailKey, IP: e.IP, UserAgent: e.UserAgent, RequestID: e.RequestID, Detail: e.Detail,
		}
	}
	return views
}

func printEvents(p *program, events []hub.Event) error {
	rows := [][]string{{"AT", "EVENT", "TARGET", "ACTOR", "FROM", "DETAIL"}}
	for _, e := range events {
		var detail []string
		for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
			detail = append(detail, fmt.Sprintf("%s=%q", name, e.Detail[name]))
		}
		rows = append(rows, []string{showTime(e.At), string(e.Kind), e.TargetID, e.ActorID, e.IP, strings.Join(detail, " ")})
	}
	return printTable(p.stdout, rows)
}
