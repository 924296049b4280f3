package tracing

import (
	"context"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/a64core/hub"
)

// Database returns db with a span for every call that a request or a delivery waits for: for the whole of it, be it one
// statement or several, with the wait for a connection or for SQLite's writer. Calls that only workers make are left as they
// are. The engine is named as the semantic conventions do: sqlite, mysql or mongodb.
func Database(db hub.Database, engine string) hub.Database {
	return &database{db, engine, trace.WithAttributes(semconv.DBSystemNameKey.String(engine))}
}

// database is a hub.Database that is watched. What it embeds are the calls that are not.
type database struct {
	hub.Database
	engine string
	system trace.SpanStartOption
}

func (d *database) start(ctx context.Context, operation string) (context.Context, Span) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, Span{}
	}
	return Start(ctx, d.engine+"."+operation,
		trace.WithSpanKind(trace.SpanKindClient), d.system, trace.WithAttributes(semconv.DBOperationName(operation)))
}

func (d *database) AddUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) (err error) {
	ctx, span := d.start(ctx, "AddUser")
	defer span.End(&err)
	return d.Database.AddUser(ctx, u, e, mails...)
}

func (d *database) UserByID(ctx context.Context, id string) (u hub.User, err error) {
	ctx, span := d.start(ctx, "UserByID")
	defer span.End(&err)
	return d.Database.UserByID(ctx, id)
}

func (d *database) UserByEmail(ctx context.Context, email string) (u hub.User, err error) {
	ctx, span := d.start(ctx, "UserByEmail")
	defer span.End(&err)
	return d.Database.UserByEmail(ctx, email)
}

func (d *database) UpdateUser(ctx context.Context, u hub.User, e hub.Event, mails ...hub.Mail) (err error) {
	ctx, span := d.start(ctx, "UpdateUser")
	defer span.End(&err)
	return d.Database.UpdateUser(ctx, u, e, mails...)
}

func (d *database) Users(ctx context.Context, q hub.UserQuery) (page hub.UserPage, err error) {
	ctx, span := d.start(ctx, "Users")
	defer span.End(&err)
	return d.Database.Users(ctx, q)
}

func (d *database) AddSession(ctx context.Context, s hub.Session, e hub.Event) (err error) {
	ctx, span := d.start(ctx, "AddSession")
	defer span.End(&err)
	return d.Database.AddSession(ctx, s, e)
}

func (d *database) SessionWithUser(ctx context.Context, id string) (s hub.Session, u hub.User, err error) {
	ctx, span := d.start(ctx, "SessionWithUser")
	defer span.End(&err)
	return d.Database.SessionWithUser(ctx, id)
}

func (d *database) SessionsByUser(ctx context.Context, userID string, now time.Time, limit int) (all []hub.Session, err error) {
	ctx, span := d.start(ctx, "SessionsByUser")
	defer span.End(&err)
	return d.Database.SessionsByUser(ctx, userID, now, limit)
}

func (d *database) UpdateSession(ctx context.Context, s hub.Session, e hub.Event) (err error) {
	ctx, span := d.start(ctx, "UpdateSession")
	defer span.End(&err)
	return d.Database.UpdateSession(ctx, s, e)
}

func (d *database) AddMailToken(ctx context.Context, t hub.MailToken) (err error) {
	ctx, span := d.start(ctx, "AddMailToken")
	defer span.End(&err)
	return d.Database.AddMailToken(ctx, t)
}

func (d *database) MailTokenByID(ctx context.Context, id string) (t hub.MailToken, err error) {
	ctx, span := d.start(ctx, "MailTokenByID")
	defer span.End(&err)
	return d.Database.MailTokenByID(ctx, id)
}

func (d *database) SpendMailToken(ctx context.Context, tokenID string, usedAt time.Time, u hub.User, e hub.Event, mails ...hub.Mail) (err error) {
	ctx, span := d.start(ctx, "SpendMailToken")
	defer span.End(&err)
	return d.Database.SpendMailToken(ctx, tokenID, usedAt, u, e, mails...)
}

func (d *database) LockoutByKey(ctx context.Context, key string) (l hub.Lockout, err error) {
	ctx, span := d.start(ctx, "LockoutByKey")
	defer span.End(&err)
	return d.Database.LockoutByKey(ctx, key)
}

func (d *database) PutLockout(ctx context.Context, l hub.Lockout, e *hub.Event, mails ...hub.Mail) (err error) {
	ctx, span := d.start(ctx, "PutLockout")
	defer span.End(&err)
	return d.Database.PutLockout(ctx, l, e, mails...)
}

func (d *database) AddMail(ctx context.Context, m hub.Mail, e hub.Event) (err error) {
	ctx, span := d.start(ctx, "AddMail")
	defer span.End(&err)
	return d.Database.AddMail(ctx, m, e)
}

func (d *database) UpdateMail(ctx context.Context, m hub.Mail) (err error) {
	ctx, span := d.start(ctx, "UpdateMail")
	defer span.End(&err)
	return d.Database.UpdateMail(ctx, m)
}

func (d *database) AddEvent(ctx context.Context, e hub.Event) (err error) {
	ctx, span := d.start(ctx, "AddEvent")
	defer span.End(&err)
	return d.Database.AddEvent(ctx, e)
}

func (d *database) Events(ctx context.Context, q hub.EventQuery) (all []hub.Event, err error) {
	ctx, span := d.start(ctx, "Events")
	defer span.End(&err)
	return d.Database.Events(ctx, q)
}

func (d *database) Stats(ctx context.Context, now time.Time) (stats hub.Stats, err error) {
	ctx, span := d.start(ctx, "Stats")
	defer span.End(&err)
	return d.Database.Stats(ctx, now)
}

func (d *database) Lookup(ctx context.Context, keys ...hub.RecordKey) (found []hub.Record, err error) {
	ctx, span := d.start(ctx, "Lookup")
	defer span.End(&err)
	return d.Database.Lookup(ctx, keys...)
}

func (d *database) Put(ctx context.Context, rule hub.PutRule, records ...hub.Record) (err error) {
	ctx, span := d.start(ctx, "Put")
	defer span.End(&err)
	return d.Database.Put(ctx, rule, records...)
}
