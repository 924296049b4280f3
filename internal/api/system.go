package api

import (
	"context"
	"net/http"
	"time"

	"github.com/a64core/hub"
)

// Home says what this is and where to look on.
type Home struct {
	Name    string  `json:"name" example:"A64 Core Platform API Hub"`
	Version string  `json:"version" example:"1.0.0"`
	Status  string  `json:"status" enum:"online" example:"online"`
	Docs    *string `json:"docs" doc:"Null if the documentation is not served." example:"/api/docs"`
	Health  string  `json:"health" example:"/api/health"`
}

func (a *API) home(context.Context, none) (Home, error) {
	h := Home{Name: a.Name, Version: a.Version, Status: "online", Health: healthPath}
	if a.DocsEnabled {
		docs := docsPath
		h.Docs = &docs
	}
	return h, nil
}

// Health says that the process answers.
type Health struct {
	Status    string `json:"status" enum:"healthy" example:"healthy"`
	Timestamp string `json:"timestamp" format:"date-time" example:"2026-01-02T03:04:05.678Z"`
	Service   string `json:"service" example:"A64 Core Platform API Hub"`
	Version   string `json:"version" example:"1.0.0"`
}

func (a *API) health(context.Context, none) (Health, error) {
	return Health{Status: "healthy", Timestamp: hub.Timestamp(a.Now()), Service: a.Name, Version: a.Version}, nil
}

// Status says how the hub is.
type Status string

// The states of the hub. While it starts, its port is not open yet.
const (
	StatusReady       Status = "ready"
	StatusDegraded    Status = "degraded"    // it serves, without something
	StatusUnavailable Status = "unavailable" // it cannot serve: a dependency is away
	StatusDraining    Status = "draining"    // it shuts down, and serves what still comes
)

// IsReady reports whether requests should be sent here.
func (s Status) IsReady() bool { return s == StatusReady || s == StatusDegraded }

// Readiness says whether requests can be served, without a word on where the dependencies are or what ails them.
type Readiness struct {
	Ready     bool              `json:"ready" example:"true"`
	Status    string            `json:"status" enum:"ready,degraded,unavailable,draining" doc:"Ready and degraded (without a dependency for now) serve; unavailable (a dependency is away) and draining (shutting down) should be sent nothing." example:"ready"`
	Timestamp string            `json:"timestamp" format:"date-time" example:"2026-01-02T03:04:05.678Z"`
	Checks    map[string]string `json:"checks" doc:"Each dependency: healthy, degraded (served without it for now) or unhealthy." example:"{\"database\":\"healthy\"}"`
}

func (r Readiness) status() int {
	if r.Ready {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

func (a *API) ready(ctx context.Context, _ none) (Readiness, error) {
	status, checks := a.Ready(ctx)
	return Readiness{Ready: status.IsReady(), Status: string(status), Timestamp: hub.Timestamp(a.Now()), Checks: checks}, nil
}

// Stats counts what the hub keeps.
type Stats struct {
	Users          UserStats `json:"users"`
	Sessions       int       `json:"sessions" doc:"Neither ended nor expired." example:"12"`
	Mails          MailStats `json:"mails"`
	ReplicationLag *float64  `json:"replicationLag" doc:"Seconds by which the second database is behind; null with one database." example:"0.2"`
	Pending        *int      `json:"replicationPending" doc:"Records that are still to be copied to the second database; null with one database." example:"3"`
}

// UserStats counts accounts. Deleted ones count as deleted only.
type UserStats struct {
	Total    int         `json:"total" example:"42"`
	Active   int         `json:"active" example:"40"`
	Inactive int         `json:"inactive" example:"2"`
	Verified int         `json:"verified" example:"38"`
	Deleted  int         `json:"deleted" doc:"Deleted, and still restorable." example:"1"`
	ByRole   []RoleStats `json:"byRole" nullable:"false" doc:"Every role, lowest first."`
}

// RoleStats counts the accounts of one role.
type RoleStats struct {
	Role     string `json:"role" enum:"guest,user,moderator,admin,super_admin" example:"user"`
	Active   int    `json:"active" example:"36"`
	Inactive int    `json:"inactive" example:"2"`
	Verified int    `json:"verified" example:"34"`
}

// MailStats counts the mail queue by state.
type MailStats struct {
	Queued  int `json:"queued" example:"0"`
	Sent    int `json:"sent" example:"97"`
	Dropped int `json:"dropped" doc:"There was nobody to write to, or too many mails this hour." example:"3"`
	Dead    int `json:"dead" doc:"Sending was given up." example:"0"`
}

func (a *API) stats(ctx context.Context, _ none) (Stats, error) {
	counted, err := a.Users.Stats(ctx)
	if err != nil {
		return Stats{}, err
	}
	return newStats(counted), nil
}

func newStats(counted hub.Stats) Stats {
	out := Stats{
		Sessions: counted.Sessions,
		Mails: MailStats{
			Queued: counted.Mails[hub.MailQueued], Sent: counted.Mails[hub.MailSent],
			Dropped: counted.Mails[hub.MailDropped], Dead: counted.Mails[hub.MailDead],
		},
	}
	if r := counted.Replication; r != nil {
		lag := r.Lag.Truncate(time.Millisecond).Seconds()
		out.ReplicationLag, out.Pending = &lag, &r.Pending
	}
	byRole := map[hub.Role]hub.UserCount{}
	for _, c := range counted.Users {
		byRole[c.Role] = c
	}
	users := UserStats{Deleted: counted.Deleted}
	for _, role := range hub.Roles() {
		c := byRole[role]
		users.ByRole = append(users.ByRole, RoleStats{role.String(), c.Active, c.Inactive, c.Verified})
		users.Active += c.Active
		users.Inactive += c.Inactive
		users.Verified += c.Verified
	}
	users.Total = users.Active + users.Inactive
	out.Users = users
	return out
}
