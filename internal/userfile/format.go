package userfile

import (
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/a64core/hub"
)

// Format is how a file is written.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl" // one JSON object a line
	CSV       Format = "csv"   // RFC 4180, with a heading
)

// FormatOf returns the format that a file's name tells, "" if it tells none.
func FormatOf(path string) Format {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jsonl", ".ndjson":
		return JSONLines
	case ".csv":
		return CSV
	}
	return ""
}

// maxRow bounds a row, in bytes. Metadata of 16 KiB may be six times as long where each character is escaped.
const maxRow = 256 << 10

// byteOrderMark is what some programs put before the text of a file in UTF-8.
const byteOrderMark = "\ufeff"

var errRowTooLong = errors.New("is longer than 256 KiB")

// Reader reads accounts.
type Reader interface {
	// Next returns the next row, right or wrong, or io.EOF. Any other error ends the file: what follows cannot be told apart.
	Next() (Row, error)
}

// NewReader returns a reader of the format.
func NewReader(f Format, r io.Reader) (Reader, error) {
	if f == CSV {
		return newCSVReader(r)
	}
	return newJSONReader(r), nil
}

// Writer writes accounts.
type Writer interface {
	Write(u *hub.User) error
	// Flush writes what is still held back.
	Flush() error
}

// NewWriter returns a writer of the format. Unless told to, it writes no hash of a password.
func NewWriter(f Format, w io.Writer, withHashes bool) (Writer, error) {
	var written []column
	for _, c := range columns() {
		if c.name != passwordColumn || withHashes {
			written = append(written, c)
		}
	}
	if f == CSV {
		return newCSVWriter(w, written)
	}
	return newJSONWriter(w, written), nil
}
