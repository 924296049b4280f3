package api

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/a64core/hub"
)

const defaultSort = "-createdAt"

// sorts lists the orders that a client may ask for; a minus sign means descending.
func sorts() []string {
	var all []string
	for _, by := range []hub.UserSortField{hub.SortByCreatedAt, hub.SortByEmail, hub.SortByLastName} {
		all = append(all, string(by), "-"+string(by))
	}
	return all
}

func isSort(text string) bool { return slices.Contains(sorts(), text) }

// parseSort returns the order that one of sorts names.
func parseSort(text string) hub.UserSort {
	by, descending := strings.CutPrefix(text, "-")
	return hub.UserSort{By: hub.UserSortField(by), Descending: descending}
}

// maxCursorBytes is above what any value in a cursor needs.
const maxCursorBytes = 2048

// cursor is a place in a list as clients carry it, opaque to them. It is not signed: whoever forges one only asks for
// another page of a list that they may read.
type cursor struct {
	Sort  string `json:"sort"`
	Value string `json:"value"`
	ID    string `json:"id"`
}

func formatCursor(at hub.UserCursor, sort string) string {
	text, err := json.Marshal(cursor{sort, at.Value, at.ID})
	if err != nil { // a value that is no UTF-8: there is no such place to continue from
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseCursor returns the place that text names in a list of the given order.
func parseCursor(text, sort string) (*hub.UserCursor, bool) {
	if len(text) > maxCursorBytes {
		return nil, false
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, false
	}
	var c cursor
	err = json.Unmarshal(decoded, &c, json.RejectUnknownMembers(true))
	if err != nil || c.Sort != sort || !hub.IsID(c.ID) || strings.ContainsRune(c.Value, 0) {
		return nil, false
	}
	return &hub.UserCursor{Value: c.Value, ID: c.ID}, true
}
