package userfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// keysAtOnce is how many keys are held in memory at a time, some 50 MB.
const keysAtOnce = 1 << 20

// keyBytes is how much of a key's SHA-256 is kept: enough that no two keys are taken for one.
const keyBytes = 16

// Repeats finds rows that repeat what an earlier row has, in memory that does not grow with their number: digests are
// kept in a temporary file and compared share by share.
type Repeats struct {
	file  *os.File
	w     *bufio.Writer
	count int
	share int // keys compared at a time
}

// NewRepeats makes the temporary file.
func NewRepeats() (*Repeats, error) {
	f, err := os.CreateTemp("", "a64core-import-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	return &Repeats{file: f, w: bufio.NewWriter(f), share: keysAtOnce}, nil
}

// Add notes that a line has a key.
func (r *Repeats) Add(line int, key string) error {
	sum := sha256.Sum256([]byte(key))
	entry := binary.LittleEndian.AppendUint64(sum[:keyBytes:keyBytes], uint64(line))
	r.count++
	if _, err := r.w.Write(entry); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	return nil
}

// Find calls found for every line with a key that a line before it has.
func (r *Repeats) Find(found func(line, first int) error) error {
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	shares := uint64(1 + r.count/r.share)
	for n := range shares {
		if err := r.findIn(n, shares, found); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repeats) findIn(share, shares uint64, found func(line, first int) error) error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read a temporary file: %w", err)
	}
	lines := make(map[[keyBytes]byte]int)
	in := bufio.NewReader(r.file)
	var entry [keyBytes + 8]byte
	for range r.count {
		if _, err := io.ReadFull(in, entry[:]); err != nil {
			return fmt.Errorf("read a temporary file: %w", err)
		}
		if binary.LittleEndian.Uint64(entry[:])%shares != share {
			continue
		}
		key, line := [keyBytes]byte(entry[:]), int(binary.LittleEndian.Uint64(entry[keyBytes:]))
		first, again := lines[key]
		if !again {
			lines[key] = line
			continue
		}
		if err := found(line, first); err != nil {
			return err
		}
	}
	return nil
}

// Close removes the temporary file.
func (r *Repeats) Close() error { return errors.Join(r.file.Close(), os.Remove(r.file.Name())) }
