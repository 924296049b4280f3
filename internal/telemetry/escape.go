package telemetry

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// escapeWriter writes log lines with every character escaped that cannot be seen. The JSON handler leaves DEL, the C1
// controls and the characters that reverse the direction of text as they are, the text handler DEL. In JSON all of these
// can stand in strings only, where the escaped form means the same.
type escapeWriter struct{ w io.Writer }

func (e escapeWriter) Write(line []byte) (int, error) {
	escaped := line
	if !isASCII(line) && bytes.ContainsFunc(line, isUnseen) {
		escaped = nil
		for _, r := range string(line) {
			if !isUnseen(r) {
				escaped = append(escaped, string(r)...)
				continue
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				escaped = fmt.Appendf(escaped, `\u%04x`, unit)
			}
		}
	}
	if _, err := e.w.Write(escaped); err != nil {
		return 0, err
	}
	return len(line), nil
}

// isASCII reports whether line holds nothing but printed ASCII and its controls, as most lines do.
func isASCII(line []byte) bool {
	for _, b := range line {
		if b >= 0x7f {
			return false
		}
	}
	return true
}

// isUnseen leaves out the ASCII controls, which the handlers have escaped, and so the line's own end.
func isUnseen(r rune) bool { return r >= 0x7f && !unicode.IsPrint(r) }
