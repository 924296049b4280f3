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

type eventsCommand struct {
	User  string `help:"Only events by or about this account: its id or e-mail address."`
	Limit amount `default:"50" help:"How many to show at most."`
	JSON  bool   `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (eventsCommand) Help() string {
	return `Shows the audit trail, newest first: what happened, to whom, by whom, when and from where.

Examples:

    a64core events
    a64core events --user ada@example.com
    a64core events --user 0198c0de-7a11-7c0d-8b1e-0123456789ab --limit 500 --json`
}

// Run shows the events.
func (cmd eventsCommand) Run(ctx context.Context, p *program) error {
	return p.withHub(ctx, func(a *app.App) error {
		id, err := cmd.userID(ctx, a)
		if err != nil {
			return err
		}
		events, err := a.Store.Events(ctx, hub.EventQuery{UserID: id, Limit: int(cmd.Limit)})
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printJSON(p.stdout, eventViews(events))
		}
		return printEvents(p, events)
	})
}

// userID returns the id of the account asked for, or "" for all. An account that was purged has left its events: its id
// is believed.
func (cmd eventsCommand) userID(ctx context.Context, a *app.App) (string, error) {
	if cmd.User == "" || hub.IsID(cmd.User) {
		return cmd.User, nil
	}
	u, err := target{User: cmd.User}.find(ctx, a)
	return u.ID, err
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
