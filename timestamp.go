package hub

import "time"

// Timestamp writes a time as answers and logs do: RFC 3339, UTC, exactly milliseconds.
func Timestamp(t time.Time) string {
	const zone = "Z"
	t = t.UTC()
	var room [len("2006-01-02T15:04:05.000Z")]byte
	text := t.AppendFormat(room[:0], time.RFC3339) // the one layout that package time does not interpret
	ms := t.Nanosecond() / int(time.Millisecond)
	text = append(text[:len(text)-len(zone)], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return string(append(text, zone...))
}
