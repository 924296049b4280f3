package main

import (
	"context"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
)

type usersShowCommand struct {
	target
	Events uint32 `default:"10" help:"How many of its latest events to show."`
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
			if events, err = a.Store.Events(ctx, hub.EventQuery{UserID: u.ID, Limit: int(cmd.Events)}); err != nil {
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
