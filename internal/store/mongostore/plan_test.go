package mongostore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/mongostore"
)

// TestQueriesUseIndexes has the server write down how it answered, and looks for answers that read everything. FerretDB
// keeps no such book.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	c, db := empty(t)
	c.Migrate, c.Marks = true, true
	s := open(t, c)
	ctx := t.Context()
	var records []hub.Record
	for i := range 50 {
		records = append(records, everything(fmt.Sprintf("%02d@example.com", i))...)
	}
	must(t, "put", s.Put(ctx, hub.UnlessOlder, records...))
	if err := db.RunCommand(ctx, bson.D{{Key: "profile", Value: 2}}).Err(); err != nil {
		t.Skipf("the server does not profile: %v", err)
	}
	useEverything(t, s, *records[0].User)
	must(t, "stop profiling", db.RunCommand(ctx, bson.D{{Key: "profile", Value: 0}}).Err())

	cursor, err := db.Collection("system.profile").Find(ctx, bson.D{{Key: "planSummary", Value: bson.D{{Key: "$exists", Value: true}}}})
	must(t, "read profile", err)
	type answer struct {
		Op       string   `bson:"op"`
		NS       string   `bson:"ns"`
		Plan     string   `bson:"planSummary"`
		Examined int      `bson:"docsExamined"`
		Command  bson.Raw `bson:"command"`
	}
	var answers []answer
	must(t, "read profile", cursor.All(ctx, &answers))
	if len(answers) < 30 {
		t.Errorf("only %d answers are in the profile", len(answers))
	}
	for _, a := range answers {
		if a.Plan == "COLLSCAN" && a.NS != c.Database+".system.profile" {
			t.Errorf("%s %s reads everything: %v", a.Op, a.NS, a.Command)
		}
		if limit, _ := a.Command.Lookup("limit").AsInt64OK(); limit == pageLimit+1 && a.Examined > 2*pageLimit+1 {
			t.Errorf("a page looks at %d documents: %v", a.Examined, a.Command)
		}
		if a.Plan == indexOfState && a.Examined > 0 && !strings.Contains(a.Command.String(), "deletedAt") {
			t.Errorf("counting by an index alone looks at %d documents: %v", a.Examined, a.Command)
		}
	}
	byState := func(a answer) bool { return a.Plan == indexOfState }
	if !slices.ContainsFunc(answers, byState) {
		t.Error("nothing is counted by the index of users' states")
	}
}

const (
	// pageLimit is that of pages in an order that an index has. All users are equal in two of three, so that a page passes those
	// of the page before.
	pageLimit    = 4
	indexOfState = "IXSCAN { role: 1, isActive: 1, isEmailVerified: 1 }"
)

func useEverything(t *testing.T, s *mongostore.Store, u hub.User) {
	t.Helper()
	ctx := t.Context()
	for _, by := range []hub.UserSortField{hub.SortByCreatedAt, hub.SortByEmail, hub.SortByLastName} {
		for _, descending := range []bool{false, true} {
			sort := hub.UserSort{By: by, Descending: descending}
			q := hub.UserQuery{Sort: sort, Limit: pageLimit}
			page, err := s.Users(ctx, q)
			must(t, "list users", err)
			q.After = page.Next
			_, err = s.Users(ctx, q)
			must(t, "list users", err)
			for _, q := range []hub.UserQuery{{Deleted: true}, {Role: hub.RoleUser}, {IsActive: new(bool)}, {Role: hub.RoleAdmin, IsActive: new(bool)}} {
				q.Sort, q.Limit = sort, 5
				_, err := s.Users(ctx, q)
				must(t, "list users", err)
			}
		}
	}
	_, err := s.Users(ctx, hub.UserQuery{Search: "1", Limit: 5})
	must(t, "search", err)
	_, err = s.Stats(ctx, start())
	must(t, "count", err)
	_, err = s.PurgeableUsers(ctx, start(), start(), 5)
	must(t, "list purgeable users", err)
	_, err = s.UserByEmail(ctx, u.Email)
	must(t, "read user", err)
	se := newSession(u)
	must(t, "add session", s.AddSession(ctx, se, newEvent(u.ID)))
	_, _, err = s.SessionWithUser(ctx, se.ID)
	must(t, "read session", err)
	_, err = s.SessionsByUser(ctx, u.ID, start(), 5)
	must(t, "list sessions", err)
	must(t, "update session", s.UpdateSession(ctx, se, newEvent(u.ID)))
	m := newMailToken(u)
	must(t, "add mail token", s.AddMailToken(ctx, m))
	u.Version = 2
	must(t, "spend", s.SpendMailToken(ctx, m.ID, start(), u, newEvent(u.ID)))
	_, err = s.DueMails(ctx, start(), 5)
	must(t, "list mails", err)
	_, err = s.Events(ctx, hub.EventQuery{UserID: u.ID, Limit: 5})
	must(t, "list events", err)
	marks, err := s.Marks(ctx, time.Now().Add(time.Hour), 5)
	must(t, "list marks", err)
	must(t, "unmark", s.Unmark(ctx, marks...))
	_, err = s.Recover(ctx)
	must(t, "recover", err)
	_, err = s.Sweep(ctx, start(), hub.Retention{Mails: time.Hour, Events: time.Hour}, 5)
	must(t, "sweep", err)
	must(t, "purge", s.PurgeUser(ctx, u.ID, 3, newEvent(u.ID)))
	for _, kind := range hub.RecordKinds() {
		_, err := s.Scan(ctx, hub.ScanQuery{Kind: kind, Limit: 5, Live: start()})
		must(t, "scan", err)
	}
}
