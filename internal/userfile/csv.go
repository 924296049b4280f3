package userfile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/a64core/hub"
)

type csvReader struct {
	limit   *rowLimit
	csv     *csv.Reader
	columns []column
	at      []int // the column of each cell
}

// newCSVReader reads the heading.
func newCSVReader(r io.Reader) (*csvReader, error) {
	b := bufio.NewReader(r)
	if mark, err := b.Peek(len(byteOrderMark)); err == nil && string(mark) == byteOrderMark {
		_, _ = b.Discard(len(byteOrderMark)) // it was peeked at
	}
	limit := &rowLimit{r: b, left: maxRow}
	c := &csvReader{limit: limit, csv: csv.NewReader(limit), columns: columns()}
	c.csv.ReuseRecord = true
	heading, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line must name the columns")
	}
	if err != nil {
		return nil, c.fatal(err)
	}
	index := indexOf(c.columns)
	for _, name := range heading {
		i, known := index[strings.TrimSpace(name)]
		if !known {
			w := unknown(strings.TrimSpace(name))
			return nil, lineError(1, fmt.Errorf("the column %s %s", w.Location, w.Message))
		}
		for _, other := range c.at {
			if other == i {
				return nil, lineError(1, fmt.Errorf("the column %s is there twice", c.columns[i].name))
			}
		}
		c.at = append(c.at, i)
	}
	return c, nil
}

// Next implements Reader.
func (r *csvReader) Next() (Row, error) {
	r.limit.left = maxRow
	cells, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	if errors.Is(err, csv.ErrFieldCount) {
		line, _ := r.csv.FieldPos(0)
		wrong := hub.FieldError{Location: wholeRow, Message: "has another number of cells than the heading"}
		return Row{Line: line, Wrong: []hub.FieldError{wrong}}, nil
	}
	if err != nil {
		return Row{}, r.fatal(err)
	}
	values := make([]string, len(r.columns))
	for i, cell := range cells {
		values[r.at[i]] = withoutApostrophe(cell)
	}
	line, _ := r.csv.FieldPos(0)
	return newRow(line, r.columns, values, nil), nil
}

// fatal is the end of a file whose cells cannot be told apart.
func (r *csvReader) fatal(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return lineError(parse.StartLine, fmt.Errorf("is not CSV: %w", parse.Err))
	}
	if errors.Is(err, errRowTooLong) {
		return fmt.Errorf("a row %w: is a quotation mark missing?", err)
	}
	return fmt.Errorf("read: %w", err)
}

// rowLimit is a reader that fails if a row needs more than is left for it.
type rowLimit struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// isFormula reports whether a spreadsheet would run the cell, or would if it had no apostrophe.
func isFormula(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0]))
}

func withApostrophe(cell string) string {
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

// withoutApostrophe undoes withApostrophe. Cells that it did not write stay, such as "'t Hooft".
func withoutApostrophe(cell string) string {
	if isFormula(cell) {
		return strings.TrimPrefix(cell, "'")
	}
	return cell
}

type csvWriter struct {
	csv     *csv.Writer
	columns []column
	cells   []string
}

// newCSVWriter writes the heading.
func newCSVWriter(w io.Writer, columns []column) (*csvWriter, error) {
	c := &csvWriter{csv: csv.NewWriter(w), columns: columns, cells: make([]string, len(columns))}
	for i, column := range columns {
		c.cells[i] = column.name
	}
	return c, c.csv.Write(c.cells)
}

// Write implements Writer.
func (w *csvWriter) Write(u *hub.User) error {
	for i, c := range w.columns {
		w.cells[i] = withApostrophe(c.show(u))
	}
	return w.csv.Write(w.cells)
}

// Flush implements Writer.
func (w *csvWriter) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}
