package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/a64core/hub"
)

// Writer writes an archive. It keeps less than two chunks in memory.
type Writer struct {
	w       io.Writer
	zstd    *zstd.Encoder
	options json.Options
	sum     [sha256.Size]byte
	lines   []byte // JSON of the records that are still to be written
	packed  []byte
	trailer Trailer
}

// NewWriter begins an archive.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	a := &Writer{w: w, zstd: encoder, options: written(), trailer: Trailer{Records: make(map[hub.RecordKind]int)}}
	first := fmt.Appendf(nil, "%s%d\n", magic, Format)
	a.sum = sha256.Sum256(first)
	if _, err := w.Write(first); err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	return a, a.writeJSON(headerChunk, h)
}

// Add adds records.
func (a *Writer) Add(records ...hub.Record) error {
	for i := range records {
		line, err := json.Marshal(&records[i], a.options)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", records[i].Key().Kind, records[i].Key().ID, err)
		}
		if len(line) >= maxChunk {
			return fmt.Errorf("encode %s %s: too large", records[i].Key().Kind, records[i].Key().ID)
		}
		if len(a.lines)+len(line) >= fullChunk {
			if err := a.flush(); err != nil {
				return err
			}
		}
		a.lines = append(append(a.lines, line...), '\n')
		a.trailer.Records[records[i].Key().Kind]++
	}
	return nil
}

func (a *Writer) flush() error {
	if len(a.lines) == 0 {
		return nil
	}
	a.packed = a.zstd.EncodeAll(a.lines, a.packed[:0])
	a.lines = a.lines[:0]
	return a.writeChunk(recordsChunk, a.packed)
}

// Close ends the archive and returns what its trailer says. It does not close what it writes to.
func (a *Writer) Close(ended time.Time) (Trailer, error) {
	a.trailer.Ended = ended
	err := a.flush()
	if err == nil {
		err = a.writeJSON(trailerChunk, a.trailer)
	}
	return a.trailer, errors.Join(err, a.zstd.Close())
}

// Sum returns the sum over all that was written.
func (a *Writer) Sum() string { return fmt.Sprintf("%x", a.sum) }

func (a *Writer) writeJSON(sort byte, v any) error {
	content, err := json.Marshal(v, a.options)
	if err != nil {
		return fmt.Errorf("encode archive: %w", err)
	}
	return a.writeChunk(sort, content)
}

func (a *Writer) writeChunk(sort byte, content []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{sort}, uint32(len(content)))
	a.sum = chain(a.sum, head, content)
	for _, part := range [][]byte{head, content, a.sum[:]} {
		if _, err := a.w.Write(part); err != nil {
			return fmt.Errorf("write archive: %w", err)
		}
	}
	return nil
}

// chain returns the sum of a chunk.
func chain(before [sha256.Size]byte, head, content []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(head)
	h.Write(content)
	h.Sum(sum[:0])
	return sum
}
