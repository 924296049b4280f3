package main

import (
	"context"
	"errors"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
)

// amount is how many rows to show at most.
type amount uint32

// Validate implements the command line's check of a value.
func (a amount) Validate() error {
	if a == 0 {
		return errors.New("must be at least 1")
	}
	return nil
}

type usersListCommand struct {
	Role     string `enum:"super_admin,admin,moderator,user,guest," default:"" help:"Only this role."`
	Active   bool   `xor:"state" help:"Only accounts that may sign in."`
	Inactive bool   `xor:"state" help:"Only deactivated accounts."`
	Deleted  bool   `xor:"state" help:"Only deleted accounts, which the API does not show."`
	Search   string `help:"Only accounts whose address or name begins so."`
	Limit    amount `default:"50" help:"How many to show at most."`
	Offset   uint32 `default:"0" help:"How many to skip."`
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
		Deleted: cmd.Deleted, Search: cmd.Search, Limit: int(cmd.Limit), Offset: int(cmd.Offset), Sort: hub.UserSort{Descending: true},
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
