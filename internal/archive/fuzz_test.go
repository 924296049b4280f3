package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/a64core/hub/internal/archive"
)

// FuzzReader reads bytes that somebody chose: they are refused, or they are an archive that says the same when it is read again.
// Sums are made right first, since they keep nobody out who can compute one.
func FuzzReader(f *testing.F) {
	whole := pack(f, samples(f)...)
	f.Add(whole, false)
	f.Add(whole, true)
	f.Add(whole[:len(whole)/2], true)
	f.Add(pack(f), true)
	f.Add([]byte("a64core archive 1\nH\xff\xff\xff\xff"), false)
	f.Fuzz(func(t *testing.T, content []byte, mend bool) {
		if mend {
			content = withRightSums(content)
		}
		records, in, err := unpack(bytes.NewReader(content), nil)
		if err != nil {
			if !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrNewerFormat) && !errors.Is(err, archive.ErrEncrypted) {
				t.Errorf("refused with %v", err)
			}
			return
		}
		total := 0
		for _, n := range in.Trailer().Records {
			total += n
		}
		if total != len(records) {
			t.Errorf("%d records, and the trailer says %d", len(records), total)
		}
		check := archive.NewCheck()
		check.Add(records...)
		_ = check.Findings()
	})
}

// withRightSums sets the sums of all chunks.
func withRightSums(content []byte) []byte {
	content = bytes.Clone(content)
	at := bytes.IndexByte(content, '\n') + 1
	sum := sha256.Sum256(content[:at])
	for len(content)-at > 5 {
		size := int(binary.BigEndian.Uint32(content[at+1:]))
		if size > len(content)-at-5-sha256.Size {
			break
		}
		end := at + 5 + size
		sum = sha256.Sum256(append(bytes.Clone(sum[:]), content[at:end]...))
		at = end + copy(content[end:], sum[:])
	}
	return content
}
