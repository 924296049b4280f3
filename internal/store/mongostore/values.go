package mongostore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// text is a text as it is written. Invalid UTF-8 must not reach the server: it refuses the whole document, or keeps what
// other clients cannot read.
func text(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

// at is a time as it is written: cut to milliseconds.
func at(t time.Time) bson.DateTime { return bson.NewDateTimeFromTime(t) }

// orNull is a time as it is written where the zero time is null.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return at(t)
}

// dawn is earlier than any time. A comparison with it matches times alone, and so neither null nor absent ones.
func dawn() bson.DateTime { return at(time.Time{}) }

// reader reads values as we write them, and as others have: numbers of any type, times as texts, null for absent. It
// remembers the first value that it could not read, by its name.
type reader struct {
	name string
	err  error
}

// readFields calls field for each field of a document.
func readFields(raw bson.Raw, field func(r *reader, name string, v bson.RawValue)) error {
	elements, err := raw.Elements()
	if err != nil {
		return fmt.Errorf("malformed document: %w", err)
	}
	var r reader
	for _, e := range elements {
		r.name = e.Key()
		field(&r, r.name, e.Value())
	}
	return r.err
}

func (r *reader) fail(v bson.RawValue, want string) {
	if r.err == nil && v.Type != bson.TypeNull && v.Type != bson.TypeUndefined {
		r.err = fmt.Errorf("field %s holds a value of type %v, not %s", r.name, v.Type, want)
	}
}

func (r *reader) text(v bson.RawValue) string {
	s, ok := v.StringValueOK()
	if !ok {
		r.fail(v, "a text")
	}
	return s
}

func (r *reader) flag(v bson.RawValue) bool {
	b, ok := v.BooleanOK()
	if !ok {
		r.fail(v, "a boolean")
	}
	return b
}

func (r *reader) number(v bson.RawValue) int64 {
	switch v.Type {
	case bson.TypeInt32:
		return int64(v.Int32())
	case bson.TypeInt64:
		return v.Int64()
	case bson.TypeDouble:
		if f := v.Double(); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f)
		}
	}
	r.fail(v, "a whole number")
	return 0
}

func (r *reader) instant(v bson.RawValue) time.Time {
	switch v.Type {
	case bson.TypeDateTime:
		return time.UnixMilli(v.DateTime()).UTC()
	case bson.TypeString:
		if s := v.StringValue(); s == "" {
			return time.Time{}
		} else if t, ok := parseTime(s); ok {
			return t
		}
	}
	r.fail(v, "a time")
	return time.Time{}
}

// parseTime reads a time as Python writes it: with a zone, or without one for UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}

// json returns a JSON object: a text as it is, and a BSON object in relaxed extended JSON.
func (r *reader) json(v bson.RawValue) []byte {
	switch v.Type {
	case bson.TypeString:
		return []byte(v.StringValue())
	case bson.TypeEmbeddedDocument:
		if object, err := bson.MarshalExtJSON(v.Document(), false, false); err == nil {
			return object
		}
	}
	r.fail(v, "a JSON object")
	return nil
}

func (r *reader) list(v bson.RawValue) []bson.RawValue {
	a, ok := v.ArrayOK()
	if !ok {
		r.fail(v, "a list")
		return nil
	}
	values, err := a.Values()
	if err != nil {
		r.fail(v, "a list")
	}
	return values
}

// document calls field for each field of a document within this one.
func (r *reader) document(v bson.RawValue, field func(r *reader, name string, v bson.RawValue)) {
	raw, ok := v.DocumentOK()
	if !ok {
		r.fail(v, "a document")
		return
	}
	if err := readFields(raw, field); err != nil && r.err == nil {
		r.err = fmt.Errorf("in %s: %w", r.name, err)
	}
}

func (r *reader) instants(v bson.RawValue) []time.Time {
	var times []time.Time
	for _, one := range r.list(v) {
		times = append(times, r.instant(one))
	}
	return times
}

// hash returns what is kept of a token. The original system kept the token itself, a JWT.
func (r *reader) hash(v bson.RawValue) string {
	token := r.text(v)
	if !isJWT(token) {
		return token
	}
	return hashOf(token)
}

func isJWT(token string) bool { return strings.Count(token, ".") == 2 }

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func instants(times []time.Time) []bson.DateTime {
	all := make([]bson.DateTime, len(times))
	for i, t := range times {
		all[i] = at(t)
	}
	return all
}
