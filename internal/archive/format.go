package archive

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/a64core/hub"
)

// Format is the number of the format that this program writes, and the highest that it reads.
const Format = 1

// magic begins the first line, which ends with the format's number.
const magic = "a64core archive "

const (
	headerChunk  = 'H'
	recordsChunk = 'R'
	trailerChunk = 'T'
)

const (
	// fullChunk is how much JSON the writer gathers for a chunk. Larger ones compress hardly better.
	fullChunk = 256 << 10
	// maxChunk bounds the JSON of a chunk, and so what a hostile file makes a reader allocate. It holds any record: metadata,
	// the largest part of one, has at most 16 KiB.
	maxChunk = 1 << 20
	// maxPacked bounds a chunk's content in the file: zstd adds to what cannot be compressed less than one part in 256.
	maxPacked = maxChunk + maxChunk/128
)

var (
	// ErrDamaged says that a file is no archive any more: cut off, changed, or never one.
	ErrDamaged = errors.New("the archive is damaged")
	// ErrNotAnArchive is the ErrDamaged of a file that does not begin as an archive.
	ErrNotAnArchive = fmt.Errorf("%w: it does not begin as one", ErrDamaged)
	// ErrNewerFormat says that a later version of the program wrote the archive.
	ErrNewerFormat = errors.New("a newer program wrote the archive: use that one")
)

// Header says where an archive comes from.
type Header struct {
	Hub         string // version of the program
	Engine      string // as in hub.About
	Product     string
	Schema      int64
	Begun       time.Time
	AtOneMoment bool // all records are of one moment; otherwise each is of some moment between Begun and Trailer.Ended
}

// Trailer says that an archive is whole.
type Trailer struct {
	Ended   time.Time
	Records map[hub.RecordKind]int // that are in the archive; a user who was read again counts again
}

// written are the options by which everything is written.
func written() json.Options {
	return json.JoinOptions(
		json.OmitZeroStructFields(true), json.Deterministic(true),
		jsontext.AllowInvalidUTF8(true), // what a client sent as its name must not keep everything else from being backed up
		json.WithMarshalers(json.JoinMarshalers(json.MarshalToFunc(func(e *jsontext.Encoder, s hub.Secret) error {
			return e.WriteToken(jsontext.String(s.Reveal()))
		}), json.MarshalToFunc(func(e *jsontext.Encoder, r hub.Role) error { // by its name: numbers may shift
			return e.WriteToken(jsontext.String(r.String()))
		}))),
	)
}

// read are the options by which everything is read: nothing that this program does not know is lost silently.
func read() json.Options {
	return json.JoinOptions(
		json.RejectUnknownMembers(true),
		json.WithUnmarshalers(json.JoinUnmarshalers(
			json.UnmarshalFromFunc(func(d *jsontext.Decoder, s *hub.Secret) error {
				text, err := readText(d)
				*s = hub.NewSecret(text)
				return err
			}),
			json.UnmarshalFromFunc(func(d *jsontext.Decoder, r *hub.Role) error {
				text, err := readText(d)
				if err != nil {
					return err
				}
				role, known := hub.ParseRole(text)
				if !known {
					return errors.New("no such role")
				}
				*r = role
				return nil
			}),
		)),
	)
}

func readText(d *jsontext.Decoder) (string, error) {
	t, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	if t.Kind() != jsontext.KindString {
		return "", errors.New("not a text")
	}
	return t.String(), nil
}

// damaged is an ErrDamaged, and where it was found.
func damaged(at int64, format string, args ...any) error {
	return fmt.Errorf("%w at byte %d: %s", ErrDamaged, at, fmt.Sprintf(format, args...))
}
