package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
)

const (
	maxBodyBytes = 64 << 10
	maxDepth     = 32 // of nested arrays and objects
)

// readBody returns the body of a request that must be JSON, or nothing if the body is optional and there is none.
// UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE, MALFORMED_REQUEST if the connection gives less than it announced.
func readBody(w http.ResponseWriter, r *http.Request, optional bool) ([]byte, error) {
	typeErr := checkContentType(r.Header)
	if typeErr != nil && !optional {
		return nil, typeErr
	}
	if r.ContentLength > maxBodyBytes {
		return nil, hub.NewError(hub.CodePayloadTooLarge)
	}
	var body bytes.Buffer
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, hub.NewError(hub.CodePayloadTooLarge)
	case err != nil:
		return nil, hub.NewError(hub.CodeMalformedRequest).Because(fmt.Errorf("read body: %w", err))
	case body.Len() == 0 && optional:
		return nil, nil
	}
	return body.Bytes(), typeErr
}

// checkContentType refuses everything but uncompressed JSON in UTF-8, and so a form that a foreign page could post without
// asking the browser's leave (OWASP ASVS 3.5.2, 4.1.1).
func checkContentType(h http.Header) error {
	types := h["Content-Type"]
	if len(types) != 1 || h.Get("Content-Encoding") != "" {
		return hub.NewError(hub.CodeUnsupportedMediaType)
	}
	if types[0] == "application/json" {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(types[0])
	if err != nil || mediaType != "application/json" {
		return hub.NewError(hub.CodeUnsupportedMediaType)
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return hub.NewError(hub.CodeUnsupportedMediaType)
		}
	}
	return nil
}

// parseObject splits a JSON object into its members, whose values it leaves as they are. It refuses as MALFORMED_REQUEST
// what two parsers might read differently (RFC 7493; OWASP ASVS 1.5.3, 15.3.5): invalid UTF-8, anything behind the value,
// and at any depth a name that stands twice in one object, be it in another case.
func parseObject(body []byte) (map[string]jsontext.Value, error) {
	if !utf8.Valid(body) {
		return nil, malformed("The request body is not valid UTF-8.")
	}
	p := parser{
		// Half a surrogate pair, written as an escape, is an error of the value that holds it: see text in decode.go.
		dec:     jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowInvalidUTF8(true)),
		body:    body,
		members: make(map[string]jsontext.Value, 8),
	}
	if err := p.run(); err != nil {
		return nil, err
	}
	if jsontext.Value(body).Kind() != '{' {
		return nil, hub.Invalid(hub.FieldError{Message: "must be an object"})
	}
	return p.members, nil
}

func malformed(detail string) error {
	return hub.NewError(hub.CodeMalformedRequest).WithMessage(detail)
}

type parser struct {
	dec     *jsontext.Decoder
	body    []byte
	names   [maxDepth + 1]map[string]bool // folded names of the open objects, by depth
	members map[string]jsontext.Value

	name  string // of the member that is being read at the top level
	start int64  // where its name ended
}

func (p *parser) run() error {
	for complete := false; ; complete = p.dec.StackDepth() == 0 {
		token, err := p.dec.ReadToken()
		switch {
		case complete && errors.Is(err, io.EOF):
			return nil
		case complete, errors.Is(err, io.EOF):
			return malformed("The request body must be one JSON value.")
		case errors.Is(err, jsontext.ErrDuplicateName):
			return malformed("An object in the request body has a name twice.")
		case err != nil: // its text quotes the body
			return malformed(fmt.Sprintf("The request body is not valid JSON: see byte %d.", p.dec.InputOffset()))
		}
		if err := p.note(token); err != nil {
			return err
		}
	}
}

// note looks at the token that was just read.
func (p *parser) note(token jsontext.Token) error {
	depth := p.dec.StackDepth()
	if depth > maxDepth {
		return malformed(fmt.Sprintf("The request body is nested deeper than %d.", maxDepth))
	}
	if token.Kind() == '{' {
		p.names[depth] = nil
	}
	parent, count := p.dec.StackIndex(depth)
	if parent != '{' || count == 0 {
		return nil
	}
	if count%2 == 0 { // names and values take turns
		if depth == 1 {
			p.members[p.name] = bytes.Trim(p.body[p.start:p.dec.InputOffset()], ": \t\r\n")
		}
		return nil
	}
	name := token.String()
	if folded := foldCase(name); p.names[depth][folded] {
		return malformed("An object in the request body has a name twice, in different case.")
	} else if p.names[depth] == nil {
		p.names[depth] = map[string]bool{folded: true}
	} else {
		p.names[depth][folded] = true
	}
	if depth == 1 {
		p.name, p.start = name, p.dec.InputOffset()
	}
	return nil
}

// foldCase gives names that differ in case only the same form, also for letters such as the Kelvin sign that parsers that
// ignore case take for ASCII ones.
func foldCase(name string) string { return strings.ToLower(strings.ToUpper(name)) }
