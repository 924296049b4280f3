package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/store/spent"
)

// row is a row of a result.
type row interface{ Scan(dest ...any) error }

// collect reads all rows and closes them.
func collect[T any](rows *sql.Rows, scan func(row, *T) error) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// instant is a time as it is read: drivers give milliseconds since the epoch or a time, and NULL is the zero time.
type instant time.Time

// Scan implements sql.Scanner.
func (i *instant) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*i = instant{}
	case int64:
		*i = instant(time.UnixMilli(v).UTC())
	case time.Time:
		*i = instant(v.UTC())
	default:
		return fmt.Errorf("%T is not a time", value)
	}
	return nil
}

// at is a time as it is written: cut to what all databases keep.
func at(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// orNull is a time as it is written where the zero time is NULL.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return at(t)
}

// role is a role as it is read: by its name.
type role hub.Role

// Scan implements sql.Scanner.
func (r *role) Scan(value any) error {
	name, ok := value.(string)
	if b, isBytes := value.([]byte); isBytes {
		name, ok = string(b), true
	}
	parsed, known := hub.ParseRole(name)
	if !ok || !known {
		return fmt.Errorf("unknown role")
	}
	*r = role(parsed)
	return nil
}

// document is a value that is kept as JSON; the empty text is its zero value.
type document[T any] struct{ value *T }

// Scan implements sql.Scanner.
func (d document[T]) Scan(value any) error {
	var text []byte
	switch v := value.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("%T is not JSON", value)
	}
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, d.value); err != nil {
		return fmt.Errorf("malformed JSON in a column: %w", err)
	}
	return nil
}

// spentTokens are kept as package spent packs them.
type spentTokens []hub.SpentToken

// Scan implements sql.Scanner.
func (s *spentTokens) Scan(value any) (err error) {
	switch v := value.(type) {
	case string: // the empty text that SQLite has where nothing was packed
		*s, err = spent.Unpack([]byte(v))
	case []byte:
		*s, err = spent.Unpack(v)
	default:
		err = fmt.Errorf("%T is no list of spent tokens", value)
	}
	return err
}

func encodeTimes(times []time.Time) (string, error) {
	if len(times) == 0 {
		return "", nil
	}
	kept := make([]int64, len(times))
	for i, t := range times {
		kept[i] = at(t).UnixMilli()
	}
	return encode(kept)
}

func decodeTimes(kept []int64) []time.Time {
	if len(kept) == 0 {
		return nil
	}
	times := make([]time.Time, len(kept))
	for i, ms := range kept {
		times[i] = time.UnixMilli(ms).UTC()
	}
	return times
}

func encode(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	return string(text), nil
}
