package hub

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// NewUserCursor returns the place behind u in an order by that field.
func NewUserCursor(u *User, by UserSortField) UserCursor {
	switch by {
	case SortByEmail:
		return UserCursor{Value: u.Email, ID: u.ID}
	case SortByLastName:
		return UserCursor{Value: Fold(u.LastName), ID: u.ID}
	default:
		return UserCursor{Value: strconv.FormatInt(u.CreatedAt.UnixMilli(), 10), ID: u.ID}
	}
}

// SortValue returns what the sort field is compared with: a string, or a time where users are ordered by one. ErrNotFound
// for a cursor that no page gave.
func (c *UserCursor) SortValue(by UserSortField) (any, error) {
	if !utf8.ValidString(c.Value) || !utf8.ValidString(c.ID) {
		return nil, fmt.Errorf("the cursor is no text: %w", ErrNotFound)
	}
	if by == SortByEmail || by == SortByLastName {
		return c.Value, nil
	}
	ms, err := strconv.ParseInt(c.Value, 10, 64)
	if t := time.UnixMilli(ms).UTC(); err == nil && t.Year() >= 1 && t.Year() <= 9999 {
		return t, nil
	}
	return nil, fmt.Errorf("the cursor is no time: %w", ErrNotFound)
}

// PrefixEnd returns the least text that is greater than every text with the given prefix, comparing code points, and so
// bytes of UTF-8. There is none if the prefix holds nothing but the last code point.
func PrefixEnd(prefix string) (string, bool) {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case last == utf8.MaxRune:
			continue
		case last == 0xD7FF: // behind it come the surrogates, which are no characters
			return prefix + "\uE000", true
		}
		return prefix + string(last+1), true
	}
	return "", false
}
