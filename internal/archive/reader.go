package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/a64core/hub"
)

// Reader reads an archive, and believes nothing of it that its sums do not prove. It keeps one chunk in memory.
type Reader struct {
	r       *bufio.Reader
	at      int64 // bytes read
	zstd    *zstd.Decoder
	options json.Options
	sum     [sha256.Size]byte
	header  Header
	trailer Trailer
	counted map[hub.RecordKind]int
	ended   error // what Next returns from now on
}

// NewReader begins to read an archive that is not encrypted. ErrDamaged, ErrNewerFormat.
func NewReader(r io.Reader) (*Reader, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxChunk), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	a := &Reader{r: bufio.NewReader(r), zstd: decoder, options: read(), counted: make(map[hub.RecordKind]int)}
	if err := a.begin(); err != nil {
		decoder.Close()
		return nil, err
	}
	return a, nil
}

func (a *Reader) begin() error {
	first := make([]byte, 0, len(magic)+len("99\n"))
	for len(first) < cap(first) && !bytes.HasSuffix(first, []byte("\n")) {
		b, err := a.r.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return a.failed(err)
		}
		first = append(first, b)
	}
	a.at = int64(len(first))
	number, ok := strings.CutPrefix(strings.TrimSuffix(string(first), "\n"), magic)
	if !ok {
		return ErrNotAnArchive
	}
	switch format, err := strconv.Atoi(number); {
	case err != nil || format < 1:
		return damaged(0, "no number of a format")
	case format > Format:
		return fmt.Errorf("%w (it has format %d, and this program knows %d)", ErrNewerFormat, format, Format)
	}
	a.sum = sha256.Sum256(first)
	sort, content, err := a.chunk()
	if err != nil {
		return err
	}
	if sort != headerChunk || json.Unmarshal(content, &a.header, a.options) != nil {
		return damaged(a.at, "no header")
	}
	return nil
}

// Header returns the header.
func (a *Reader) Header() Header { return a.header }

// Trailer returns the trailer, once Next has returned io.EOF.
func (a *Reader) Trailer() Trailer { return a.trailer }

// Sum returns the sum over all that was read.
func (a *Reader) Sum() string { return fmt.Sprintf("%x", a.sum) }

// Next returns the next records, at least one. It returns io.EOF when the archive has ended as it should: before that,
// nothing that was read is known to be all. ErrDamaged.
func (a *Reader) Next() ([]hub.Record, error) {
	if a.ended != nil {
		return nil, a.ended
	}
	records, err := a.next()
	if err != nil {
		a.ended = err
		a.zstd.Close()
	}
	return records, err
}

func (a *Reader) next() ([]hub.Record, error) {
	began := a.at
	sort, content, err := a.chunk()
	if err != nil {
		return nil, err
	}
	switch sort {
	case recordsChunk:
		return a.records(began, content)
	case trailerChunk:
		return nil, a.end(began, content)
	}
	return nil, damaged(began, "a chunk of an unknown sort")
}

// end reads the trailer, and is io.EOF if it fits all that came before it, and nothing follows.
func (a *Reader) end(began int64, content []byte) error {
	if json.Unmarshal(content, &a.trailer, a.options) != nil || !maps.Equal(a.trailer.Records, a.counted) {
		return damaged(began, "the trailer does not fit the records")
	}
	switch _, err := a.r.ReadByte(); {
	case err == nil:
		return damaged(a.at, "something follows its end")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read archive: %w", err)
	}
	return io.EOF
}

func (a *Reader) records(began int64, packed []byte) ([]hub.Record, error) {
	lines, err := a.zstd.DecodeAll(packed, nil)
	if err != nil {
		return nil, damaged(began, "cannot be decompressed")
	}
	var records []hub.Record
	for line := range bytes.Lines(lines) {
		var r hub.Record
		if json.Unmarshal(line, &r, a.options) != nil || !isOne(&r) {
			return nil, damaged(began, "a record cannot be read")
		}
		a.counted[r.Key().Kind]++
		records = append(records, r)
	}
	if len(records) == 0 {
		return nil, damaged(began, "a chunk of no records")
	}
	return records, nil
}

// isOne reports whether exactly one field of the record is set, and names it.
func isOne(r *hub.Record) bool {
	n := 0
	for _, set := range []bool{r.User != nil, r.Session != nil, r.MailToken != nil, r.Lockout != nil, r.Mail != nil, r.Event != nil, r.Tombstone != nil} {
		if set {
			n++
		}
	}
	return n == 1 && r.Key().ID != ""
}

// chunk reads a chunk and proves its sum.
func (a *Reader) chunk() (sort byte, content []byte, err error) {
	began := a.at
	head := make([]byte, 5)
	if err := a.fill(head); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxPacked {
		return 0, nil, damaged(began, "a chunk that is too large")
	}
	content = make([]byte, size)
	if err := a.fill(content); err != nil {
		return 0, nil, err
	}
	var sum [sha256.Size]byte
	if err := a.fill(sum[:]); err != nil {
		return 0, nil, err
	}
	if a.sum = chain(a.sum, head, content); sum != a.sum {
		return 0, nil, damaged(began, "the sum of this chunk is wrong")
	}
	return head[0], content, nil
}

// fill reads as much as fits.
func (a *Reader) fill(b []byte) error {
	n, err := io.ReadFull(a.r, b)
	a.at += int64(n)
	return a.failed(err)
}

func (a *Reader) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return damaged(a.at, "it ends too early")
	}
	return fmt.Errorf("read archive: %w", err)
}
