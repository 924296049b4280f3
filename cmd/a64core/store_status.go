package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
)

type storeStatusCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (storeStatusCommand) Help() string {
	return `Of two databases it also shows how many records wait to be copied to the second, for how long the oldest of them has, and
the last failure to copy. A database that cannot be reached is shown with the reason, and it exits with 1.

With --json: "mode", "databases" (each with "role": database, primary or secondary; "engine", and either "error" or "product",
"place", "schemaVersion", "bytes", "users", "deletedUsers", "sessions" and "mails" by state), and with two databases whose
primary can be reached "replication" ("caughtUp", "pending", "lagSeconds", "oldest": what has waited longest, "lastError").

Examples:

    a64core store status
    a64core store status --json`
}

// statusView is what "store status" shows.
type statusView struct {
	Mode        config.Database  `json:"mode"`
	Databases   []databaseView   `json:"databases"`
	Replication *replicationView `json:"replication,omitempty"`
}

type databaseView struct {
	Role   string          `json:"role"`
	Engine config.Database `json:"engine"`
	Error  string          `json:"error,omitempty"` // instead of all that follows
	*DatabaseDetails
}

// DatabaseDetails is exported for the sake of its JSON.
type DatabaseDetails struct {
	Product  string                `json:"product"`
	Place    string                `json:"place"`
	Schema   int64                 `json:"schemaVersion"`
	Bytes    int64                 `json:"bytes"`
	Users    int                   `json:"users"`
	Deleted  int                   `json:"deletedUsers"`
	Sessions int                   `json:"sessions"`
	Mails    map[hub.MailState]int `json:"mails"`
}

type replicationView struct {
	CaughtUp  bool         `json:"caughtUp"`
	Pending   int          `json:"pending"`
	Lag       float64      `json:"lagSeconds"`
	Oldest    *markView    `json:"oldest,omitempty"`
	LastError *failureView `json:"lastError,omitempty"`

	nearly bool // what waits does so for no longer than is usual while a hub serves
}

type markView struct {
	Kind  hub.RecordKind `json:"kind"`
	ID    string         `json:"id"`
	Since time.Time      `json:"since"`
}

type failureView struct {
	At    time.Time `json:"at"`
	Error string    `json:"error"`
}

// Run shows the status.
func (cmd storeStatusCommand) Run(ctx context.Context, p *program) error {
	c, err := p.untouched()
	if err != nil {
		return err
	}
	view, failed := status(ctx, c, time.Now())
	if failed != nil && len(view.Databases) == 1 {
		return failed
	}
	if cmd.JSON {
		err = printJSON(p.stdout, view)
	} else {
		err = view.print(p)
	}
	if err == nil && failed != nil {
		err = errReported
	}
	return err
}

// status asks each database, and returns what it can together with the errors.
func status(ctx context.Context, c config.Config, now time.Time) (statusView, error) {
	view := statusView{Mode: c.Database}
	engines := app.Engines(c)
	var errs []error
	for i, engine := range engines {
		v := databaseView{Role: side(i, len(engines)), Engine: engine}
		err := ask(ctx, c, engine, func(db hub.Database) (err error) {
			if v.DatabaseDetails, err = describe(ctx, db, now); err == nil && v.Role == "primary" {
				view.Replication, err = replication(ctx, db, now)
			}
			return err
		})
		if err != nil {
			v.DatabaseDetails, v.Error = nil, err.Error()
			errs = append(errs, err)
		}
		view.Databases = append(view.Databases, v)
	}
	return view, errors.Join(errs...)
}

// ask opens a database for some questions.
func ask(ctx context.Context, c config.Config, engine config.Database, questions func(hub.Database) error) error {
	db, err := app.OpenDatabase(ctx, c, engine, false)
	if err != nil {
		return err
	}
	return errors.Join(questions(db), db.Close())
}

func describe(ctx context.Context, db hub.Database, now time.Time) (*DatabaseDetails, error) {
	about, err := db.About(ctx)
	if err != nil {
		return nil, err
	}
	stats, err := db.Stats(ctx, now)
	if err != nil {
		return nil, err
	}
	users := 0
	for _, c := range stats.Users {
		users += c.Active + c.Inactive
	}
	return &DatabaseDetails{about.Product, about.Place, about.Schema, about.Bytes, users, stats.Deleted, stats.Sessions, stats.Mails}, nil
}

// replication asks the primary what it has not handed over yet.
func replication(ctx context.Context, db hub.Database, now time.Time) (*replicationView, error) {
	backlog, err := db.Backlog(ctx)
	if err != nil {
		return nil, err
	}
	view := &replicationView{CaughtUp: backlog.Pending == 0, Pending: backlog.Pending, Lag: backlog.Lag(now).Seconds()}
	view.nearly = replica.IsNearlyCaughtUp(backlog, now)
	marks, err := db.Marks(ctx, now.Add(24*time.Hour), 1) // also those of a clock that is ahead
	if err != nil {
		return nil, err
	}
	for _, m := range marks {
		view.Oldest = &markView{m.Key.Kind, m.Key.ID, m.Since}
	}
	events, err := db.Events(ctx, hub.EventQuery{UserID: hub.ReplicationID, Limit: 20})
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if e.Kind == hub.EventReplicationFailed {
			view.LastError = &failureView{e.At, e.Detail["error"]}
			break // they come newest first
		}
	}
	return view, nil
}

// print lays the databases out side by side.
func (v statusView) print(p *program) error {
	if err := printText(p.stdout, "Mode: %s\n\n", v.Mode); err != nil {
		return err
	}
	if err := printTable(p.stdout, v.rows()); err != nil {
		return err
	}
	for _, db := range v.Databases {
		if db.Error == "" {
			continue
		}
		if err := printText(p.stdout, "\nThe %s database (%s) cannot be asked: %s\n", db.Role, db.Engine, db.Error); err != nil {
			return err
		}
	}
	if v.Replication == nil {
		return nil
	}
	if err := printText(p.stdout, "\n"); err != nil {
		return err
	}
	return printTable(p.stdout, v.Replication.rows())
}

func (v statusView) rows() [][]string {
	rows := [][]string{{""}, {"Engine"}, {"Product"}, {"Place"}, {"Schema"}, {"Size"}, {"Users"}, {"Sessions"}, {"Mails"}}
	for _, db := range v.Databases {
		cells := []string{map[string]string{"database": "DATABASE", "primary": "PRIMARY", "secondary": "SECONDARY"}[db.Role], string(db.Engine)}
		if d := db.DatabaseDetails; d == nil {
			cells = append(cells, "not reached", "", "", "", "", "", "")
		} else {
			cells = append(
				cells, d.Product, d.Place, fmt.Sprintf("version %d", d.Schema), megabytes(d.Bytes),
				fmt.Sprintf("%s, and %s deleted", grouped(d.Users), grouped(d.Deleted)), grouped(d.Sessions),
				fmt.Sprintf("%d queued, %d sent, %d dropped, %d dead", d.Mails[hub.MailQueued], d.Mails[hub.MailSent], d.Mails[hub.MailDropped], d.Mails[hub.MailDead]),
			)
		}
		for i, cell := range cells {
			rows[i] = append(rows[i], cell)
		}
	}
	return rows
}

func (v *replicationView) rows() [][]string {
	caughtUp := "no"
	switch {
	case v.CaughtUp:
		caughtUp = "yes"
	case v.nearly:
		caughtUp = "nearly"
	}
	rows := [][]string{{"Caught up", caughtUp}, {"Pending", records(v.Pending, "waits", "wait") + " to be copied"}}
	if v.Oldest != nil {
		lag := time.Duration(v.Lag * float64(time.Second)).Round(time.Millisecond)
		rows = append(rows, []string{"Lag", lag.String()}, []string{"Oldest", fmt.Sprintf("%s %s, since %s", v.Oldest.Kind, v.Oldest.ID, showTime(v.Oldest.Since))})
	}
	if v.LastError == nil {
		return append(rows, []string{"Last error", "none"})
	}
	return append(rows, []string{"Last error", showTime(v.LastError.At) + ": " + v.LastError.Error})
}
