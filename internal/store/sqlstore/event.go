package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/a64core/hub"
)

const (
	eventColumns = `kind, happened_at, actor_id, target_id, session_id, email_key, ip, user_agent, request_id, detail, event_id`

	eventRow    = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertEvent = `INSERT INTO events (` + eventColumns + `) VALUES ` + eventRow

	newestFirst = ` ORDER BY happened_at DESC, event_id DESC LIMIT ?`

	selectEvents = `SELECT ` + eventColumns + ` FROM events` + newestFirst

	// Each half reads as many as are wanted by its own index; UNION leaves out what is in both.
	selectEventsOf = `SELECT ` + eventColumns + ` FROM (
		SELECT * FROM (SELECT ` + eventColumns + ` FROM events WHERE actor_id = ?` + newestFirst + `) AS done
		UNION
		SELECT * FROM (SELECT ` + eventColumns + ` FROM events WHERE target_id = ?` + newestFirst + `) AS suffered
	) AS both_sides` + newestFirst
)

// record is what is kept besides a change: an event, mails or both, as the values of their statements, and marks.
type record struct {
	event []any // nil: none
	mails [][]any
	marks []hub.Mark
}

// newRecord returns the record of a change that led to the versions which the marks name.
func (s *Store) newRecord(e *hub.Event, mails []hub.Mail, marks ...hub.Mark) (record, error) {
	var r record
	if e != nil {
		var err error
		if r.event, err = eventValues(e); err != nil {
			return record{}, err
		}
		marks = append(marks, markOf(hub.RecordEvent, e.ID, 1))
	}
	for _, m := range mails {
		r.mails = append(r.mails, mailValues(&m, 1))
		marks = append(marks, markOf(hub.RecordMail, m.ID, 1))
	}
	if s.marks {
		r.marks = marks
	}
	return r, nil
}

func eventValues(e *hub.Event) ([]any, error) {
	detail := ""
	if len(e.Detail) > 0 {
		var err error
		if detail, err = encode(e.Detail); err != nil {
			return nil, err
		}
	}
	return []any{
		string(e.Kind), at(e.At), e.ActorID, e.TargetID, e.SessionID, e.EmailKey, e.IP, e.UserAgent, e.RequestID, detail, e.ID,
	}, nil
}

// keep stores the record.
func (r record) keep(t *tx) error {
	if r.event != nil {
		if err := t.addEvent(r.event); err != nil {
			return err
		}
	}
	for _, values := range r.mails {
		if _, err := t.exec(insertMail, values...); err != nil {
			return err
		}
	}
	now := time.Now() // of people, not of the hub: it orders the work
	for _, m := range r.marks {
		if err := t.setMark(m, now); err != nil {
			return err
		}
	}
	return nil
}

// addEvent adds an event. Where each statement is a round trip, it waits for those of other units, until addLate.
func (t *tx) addEvent(values []any) error {
	if t.statements == nil {
		t.events = append(t.events, values)
		return nil
	}
	_, err := t.exec(insertEvent, values...)
	return err
}

// addLate adds the events that were put off, in one statement.
func (t *tx) addLate() error {
	if len(t.events) == 0 {
		return nil
	}
	_, err := t.exec(insertEvent+strings.Repeat(`, `+eventRow, len(t.events)-1), slices.Concat(t.events...)...)
	t.events = nil
	return err
}

func scanEvent(r row, e *hub.Event) error {
	return r.Scan(&e.Kind, (*instant)(&e.At), &e.ActorID, &e.TargetID, &e.SessionID, &e.EmailKey, &e.IP, &e.UserAgent,
		&e.RequestID, document[map[string]string]{&e.Detail}, &e.ID)
}

// AddEvent implements hub.EventStore.
func (s *Store) AddEvent(ctx context.Context, e hub.Event) error {
	rec, err := s.newRecord(&e, nil)
	if err != nil {
		return s.dialect.wrap("add event", err)
	}
	return s.write(ctx, "add event", rec.keep)
}

// Events implements hub.EventStore.
func (s *Store) Events(ctx context.Context, q hub.EventQuery) ([]hub.Event, error) {
	if q.Limit < 1 {
		return nil, errors.New("list events: the limit is below 1")
	}
	if q.UserID == "" {
		return readAll(ctx, s, "list events", selectEvents, []any{q.Limit}, scanEvent)
	}
	return readAll(ctx, s, "list events", selectEventsOf, []any{q.UserID, q.Limit, q.UserID, q.Limit, q.Limit}, scanEvent)
}
