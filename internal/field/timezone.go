package field

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // the zones must be known where the machine has none, as in a container from scratch
)

// maxTimezone is the greatest length of a time zone name in octets.
const maxTimezone = 50

var errTimezone = errors.New("must be an IANA time zone such as Europe/Berlin")

// Timezone returns the name of a zone of the IANA time zone database.
func Timezone(raw string) (string, error) {
	if len(raw) > maxTimezone || raw == "Local" {
		return "", errTimezone
	}
	// The machine's own database may be a folder with more in it than zones, such as "right/" and "posixrules". Every
	// part of a zone's name begins with a capital.
	for part := range strings.SplitSeq(raw, "/") {
		if part == "" || part[0] < 'A' || part[0] > 'Z' || strings.ContainsFunc(part, func(r rune) bool {
			return !isLetterOrDigit(r) && !strings.ContainsRune("_+-", r)
		}) {
			return "", errTimezone
		}
	}
	if _, err := time.LoadLocation(raw); err != nil {
		return "", errTimezone
	}
	return raw, nil
}
