package userfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
)

type jsonReader struct {
	r       *bufio.Reader
	line    int
	columns []column
	index   map[string]int // of a column by its name
}

func newJSONReader(r io.Reader) *jsonReader {
	all := columns()
	return &jsonReader{r: bufio.NewReaderSize(r, maxRow), columns: all, index: indexOf(all)}
}

func indexOf(columns []column) map[string]int {
	index := make(map[string]int, len(columns))
	for i, c := range columns {
		index[c.name] = i
	}
	return index
}

// Next implements Reader.
func (r *jsonReader) Next() (Row, error) {
	for {
		raw, tooLong, err := r.readLine()
		if err != nil {
			return Row{}, err
		}
		if tooLong {
			return Row{Line: r.line, Wrong: []hub.FieldError{{Location: wholeRow, Message: errRowTooLong.Error()}}}, nil
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		values, wrong := r.parse(raw)
		return newRow(r.line, r.columns, values, wrong), nil
	}
}

// readLine returns the next line, or that it was too long.
func (r *jsonReader) readLine() (line []byte, tooLong bool, err error) {
	line, err = r.r.ReadSlice('\n')
	r.line++
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		_, err = r.r.ReadSlice('\n')
	}
	switch {
	case errors.Is(err, io.EOF) && (len(line) > 0 || tooLong): // the last line need not end
		err = nil
	case err != nil && !errors.Is(err, io.EOF):
		return nil, false, fmt.Errorf("read: %w", err)
	}
	if r.line == 1 {
		line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	}
	return line, tooLong, err
}

// parse reads one object. Names that repeat and text that is not UTF-8 are errors of the decoder.
func (r *jsonReader) parse(raw []byte) (values []string, wrong []hub.FieldError) {
	values = make([]string, len(r.columns))
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if t, err := d.ReadToken(); err != nil || t.Kind() != object {
		return values, []hub.FieldError{{Location: wholeRow, Message: "must be a JSON object"}}
	}
	broken := []hub.FieldError{{Location: wholeRow, Message: "must be one JSON object in UTF-8, with no name twice"}}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return values, broken
		}
		i, known := r.index[name.String()]
		if !known {
			wrong = append(wrong, unknown(name.String()))
			if err := d.SkipValue(); err != nil {
				return values, broken
			}
			continue
		}
		kind := d.PeekKind()
		value, err := d.ReadValue()
		if err != nil {
			return values, broken
		}
		var problem string
		if values[i], problem = r.columns[i].fromJSON(kind, value); problem != "" {
			wrong = append(wrong, hub.FieldError{Location: r.columns[i].name, Message: problem})
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return values, broken
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return values, broken
	}
	return values, wrong
}

// fromJSON returns a value as the cell of a table would have it, and what is wrong with it, if anything is.
func (c *column) fromJSON(k jsontext.Kind, raw jsontext.Value) (value, problem string) {
	switch {
	case k == 'n':
		return "", ""
	case c.kind == text && k == text:
		unquoted, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return "", "must be a text"
		}
		return string(unquoted), ""
	case c.kind == flag && (k == 't' || k == 'f'), c.kind == object && k == object:
		return string(raw), ""
	case c.kind == text:
		return "", "must be a text"
	case c.kind == flag:
		return "", "must be true or false"
	}
	return "", "must be an object"
}

type jsonWriter struct {
	buffer  *bufio.Writer
	encoder *jsontext.Encoder
	columns []column
}

func newJSONWriter(w io.Writer, columns []column) *jsonWriter {
	buffer := bufio.NewWriter(w)
	return &jsonWriter{buffer, jsontext.NewEncoder(buffer), columns}
}

// Write implements Writer. The encoder ends each object with a line break; what is absent is left out.
func (w *jsonWriter) Write(u *hub.User) error {
	tokens := []error{w.encoder.WriteToken(jsontext.BeginObject)}
	for _, c := range w.columns {
		value := c.show(u)
		if value == "" {
			continue
		}
		tokens = append(tokens, w.encoder.WriteToken(jsontext.String(c.name)))
		if c.kind == text {
			tokens = append(tokens, w.encoder.WriteToken(jsontext.String(value)))
		} else {
			tokens = append(tokens, w.encoder.WriteValue(jsontext.Value(value)))
		}
	}
	return errors.Join(append(tokens, w.encoder.WriteToken(jsontext.EndObject))...)
}

// Flush implements Writer.
func (w *jsonWriter) Flush() error { return w.buffer.Flush() }
