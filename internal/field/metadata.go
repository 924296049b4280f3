package field

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits of metadata: octets without insignificant white space, and levels of nesting, the object itself being the first.
const (
	maxMetadata      = 16 << 10
	maxMetadataDepth = 32
)

var (
	errMetadata       = errors.New("must be a JSON object with unique names")
	errMetadataSize   = errors.New("must have at most 16 KiB")
	errMetadataDepth  = errors.New("must be nested at most 32 levels deep")
	errMetadataName   = errors.New(`must not have a name that is empty, begins with "$", contains "." or a control character, or is reserved`)
	errMetadataNumber = errors.New("must not have a number beyond double precision's range")
)

// Metadata returns a JSON object without insignificant white space. Names that a database or a JavaScript client gives a
// meaning of its own (operators, paths, prototypes) are refused at every level, and so are numbers that no database
// can hold.
func Metadata(raw []byte) ([]byte, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(raw)) // by itself refuses duplicate names and invalid UTF-8
	if decoder.PeekKind() != '{' {
		return nil, errMetadata
	}
	for {
		token, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errMetadata
		}
		if err := checkToken(decoder, token); err != nil {
			return nil, err
		}
	}
	compact := jsontext.Value(bytes.Clone(raw))
	if err := compact.Compact(); err != nil { // also refuses a second value
		return nil, errMetadata
	}
	if len(compact) > maxMetadata {
		return nil, errMetadataSize
	}
	return compact, nil
}

// checkToken looks at the token that the decoder has just read.
func checkToken(decoder *jsontext.Decoder, token jsontext.Token) error {
	depth := decoder.StackDepth()
	if depth > maxMetadataDepth {
		return errMetadataDepth
	}
	switch token.Kind() {
	case '0':
		if _, err := token.Float(); err != nil {
			return errMetadataNumber
		}
	case '"':
		// In an object names and values alternate: after a name the count is odd.
		if container, count := decoder.StackIndex(depth); container == '{' && count%2 == 1 && !isMetadataName(token.String()) {
			return errMetadataName
		}
	}
	return nil
}

func isMetadataName(s string) bool {
	switch s {
	case "", "__proto__", "constructor", "prototype":
		return false
	}
	return s[0] != '$' && !strings.Contains(s, ".") && !strings.ContainsFunc(s, unicode.IsControl)
}
