package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/field"
	"github.com/a64core/hub/internal/profile"
	"github.com/a64core/hub/internal/users"
)

// usersCommands manage accounts at the terminal, with the rank of a super_admin and under the same rules as the API. They
// may run beside a serving hub, which sees their changes within a second.
type usersCommands struct {
	Create      usersCreateCommand      `cmd:"" help:"Make an account, such as the first super_admin."`
	List        usersListCommand        `cmd:"" help:"List accounts."`
	Show        usersShowCommand        `cmd:"" help:"Show an account with its sessions and latest events."`
	SetRole     usersSetRoleCommand     `cmd:"" help:"Give an account another role."`
	Activate    usersActivateCommand    `cmd:"" help:"Let an account sign in again."`
	Deactivate  usersDeactivateCommand  `cmd:"" help:"Keep an account from signing in, and end its sessions."`
	Delete      usersDeleteCommand      `cmd:"" help:"Delete an account; it can be restored for a while."`
	Restore     usersRestoreCommand     `cmd:"" help:"Bring a deleted account back."`
	SetPassword usersSetPasswordCommand `cmd:"" help:"Give an account a new password, and end its sessions."`
	Import      usersImportCommand      `cmd:"" help:"Make accounts of a file, such as one from another system."`
	Export      usersExportCommand      `cmd:"" help:"Write all accounts into a file."`
}

// target names an account.
type target struct {
	User string `arg:"" help:"The account's id or e-mail address."`
	JSON bool   `name:"json" help:"Answer in JSON."`
}

// find returns the account, deleted or not.
func (t target) find(ctx context.Context, a *app.App) (u hub.User, err error) {
	if strings.Contains(t.User, "@") {
		email, emailErr := field.Email(t.User)
		if emailErr != nil {
			return u, fmt.Errorf("the e-mail address %w", emailErr)
		}
		u, err = a.Store.UserByEmail(ctx, email)
	} else {
		u, err = a.Store.UserByID(ctx, t.User)
	}
	if errors.Is(err, hub.ErrNotFound) {
		return u, hub.NewError(hub.CodeUserNotFound)
	}
	return u, err
}

// change finds the account, changes it as the operator, and shows what became of it.
func (t target) change(ctx context.Context, p *program, do func(context.Context, *users.Service, string) (hub.User, error)) error {
	ctx = asOperator(ctx)
	return p.withHub(ctx, func(a *app.App) error {
		u, err := t.find(ctx, a)
		if err != nil {
			return err
		}
		if u, err = do(ctx, a.Users, u.ID); err != nil {
			return err
		}
		return printUser(p, u, t.JSON)
	})
}

// asOperator gives the context the operator's rank; events tell that it was done here.
func asOperator(ctx context.Context) context.Context {
	return hub.WithOrigin(users.AsSystem(ctx), hub.Origin{UserAgent: "a64core command line"})
}

type usersCreateCommand struct {
	Email         string `required:"" help:"E-mail address."`
	Role          string `default:"user" enum:"super_admin,admin,moderator,user,guest" help:"super_admin, admin, moderator, user or guest."`
	FirstName     string `required:"" help:"First name."`
	LastName      string `required:"" help:"Last name."`
	Verified      bool   `help:"The address is known to be theirs: send no verification mail."`
	PasswordStdin bool   `help:"Read the password from standard input, up to the first line break, instead of asking for it."`
	JSON          bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (usersCreateCommand) Help() string {
	return `At a terminal it asks for the password twice, without showing it. There is no default account: this is how the first
super_admin comes to be.

Examples:

    a64core users create --email root@example.com --role super_admin --first-name Grace --last-name Hopper
    pass show a64core/root | a64core users create --email root@example.com --role super_admin \
        --first-name Grace --last-name Hopper --verified --password-stdin`
}

// Run makes the account.
func (cmd usersCreateCommand) Run(ctx context.Context, p *program) error {
	pw, err := p.readPassword(ctx, cmd.PasswordStdin)
	if err != nil {
		return err
	}
	role, _ := hub.ParseRole(cmd.Role) // the grammar knows no other
	ctx = asOperator(ctx)
	return p.withHub(ctx, func(a *app.App) error {
		u, err := a.Users.Create(ctx, users.New{
			Profile:  profile.Profile{Email: cmd.Email, FirstName: cmd.FirstName, LastName: cmd.LastName},
			Password: pw, Role: role, IsEmailVerified: cmd.Verified,
		})
		if err != nil {
			return err
		}
		return printUser(p, u, cmd.JSON)
	})
}

type usersSetRoleCommand struct {
	target
	Role string `arg:"" enum:"super_admin,admin,moderator,user,guest" help:"super_admin, admin, moderator, user or guest."`
}

// Help returns examples.
func (usersSetRoleCommand) Help() string {
	return "Examples:\n\n    a64core users set-role ada@example.com moderator"
}

// Run changes the role.
func (cmd usersSetRoleCommand) Run(ctx context.Context, p *program) error {
	role, _ := hub.ParseRole(cmd.Role) // the grammar knows no other
	return cmd.change(ctx, p, func(ctx context.Context, s *users.Service, id string) (hub.User, error) {
		return s.ChangeRole(ctx, id, role)
	})
}

type usersActivateCommand struct{ target }

// Help returns examples.
func (usersActivateCommand) Help() string {
	return `Sessions that ended when it was deactivated stay ended.

Examples:

    a64core users activate ada@example.com`
}

// Run activates the account.
func (cmd usersActivateCommand) Run(ctx context.Context, p *program) error {
	return cmd.change(ctx, p, func(ctx context.Context, s *users.Service, id string) (hub.User, error) { return s.Activate(ctx, id) })
}

type usersDeactivateCommand struct{ target }

// Help returns examples.
func (usersDeactivateCommand) Help() string {
	return `Nothing of the account is lost. The last active super_admin cannot be deactivated.

Examples:

    a64core users deactivate ada@example.com
    a64core users deactivate 0198c0de-7a11-7c0d-8b1e-0123456789ab --json`
}

// Run deactivates the account.
func (cmd usersDeactivateCommand) Run(ctx context.Context, p *program) error {
	return cmd.change(ctx, p, func(ctx context.Context, s *users.Service, id string) (hub.User, error) { return s.Deactivate(ctx, id) })
}

type usersDeleteCommand struct{ target }

// Help returns examples.
func (usersDeleteCommand) Help() string {
	return `Ends all sessions of the account, which is forgotten when DELETED_PURGE has passed; until then its address stays taken and
"users restore" brings it back. The last active super_admin cannot be deleted.

Examples:

    a64core users delete ada@example.com`
}

// Run deletes the account.
func (cmd usersDeleteCommand) Run(ctx context.Context, p *program) error {
	ctx = asOperator(ctx)
	return p.withHub(ctx, func(a *app.App) error {
		u, err := cmd.find(ctx, a)
		if err != nil {
			return err
		}
		if err := a.Users.Delete(ctx, u.ID); err != nil {
			return err
		}
		if u, err = a.Store.UserByID(ctx, u.ID); err != nil {
			return err
		}
		return printUser(p, u, cmd.JSON)
	})
}

type usersRestoreCommand struct{ target }

// Help returns examples.
func (usersRestoreCommand) Help() string {
	return `The account comes back as it was, without its sessions.

Examples:

    a64core users list --deleted
    a64core users restore ada@example.com`
}

// Run restores the account.
func (cmd usersRestoreCommand) Run(ctx context.Context, p *program) error {
	return cmd.change(ctx, p, func(ctx context.Context, s *users.Service, id string) (hub.User, error) { return s.Restore(ctx, id) })
}

type usersSetPasswordCommand struct {
	target
	PasswordStdin bool `help:"Read the password from standard input, up to the first line break, instead of asking for it."`
}

// Help returns examples.
func (usersSetPasswordCommand) Help() string {
	return `Ends all sessions of the account; its owner gets a notice by mail.

Examples:

    a64core users set-password ada@example.com
    openssl rand -base64 18 | a64core users set-password ada@example.com --password-stdin`
}

// Run sets the password.
func (cmd usersSetPasswordCommand) Run(ctx context.Context, p *program) error {
	pw, err := p.readPassword(ctx, cmd.PasswordStdin)
	if err != nil {
		return err
	}
	return cmd.change(ctx, p, func(ctx context.Context, s *users.Service, id string) (hub.User, error) {
		return s.SetPassword(ctx, id, pw)
	})
}
