package telemetry

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// maxPending bounds the memory for lines that wait to be written.
	maxPending = 1 << 20
	// flushWait is how long Close waits for a sink that does not take what is left.
	flushWait = 2 * time.Second
)

// errNotFlushed is what Close returns if lines were left.
var errNotFlushed = errors.New("the log did not take its last lines in time")

// lineWriter takes lines without ever waiting and writes them to a sink that may be slow, stuck or full. It holds up to
// maxPending bytes; what comes beyond that, and what the sink refuses, is dropped and counted, and once the sink takes
// lines again a notice stands where the lines are missing.
type lineWriter struct {
	sink      io.Writer
	closeSink func() error
	notice    func(dropped int64) []byte
	torn      bool // the sink has only the beginning of its last line; touched by run alone

	mu      sync.Mutex
	pending []byte
	dropped int64
	closed  bool

	wake chan struct{} // holds at most one: something is pending, or the writer was closed
	done chan error    // gets what the last write and closing the sink returned
}

func newLineWriter(sink io.Writer, closeSink func() error, notice func(dropped int64) []byte) *lineWriter {
	w := &lineWriter{
		sink: sink, closeSink: closeSink, notice: notice,
		wake: make(chan struct{}, 1), done: make(chan error, 1),
	}
	go w.run()
	return w
}

// Write takes one line, or drops it. It always succeeds: there is nobody to tell.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	if w.closed || len(w.pending)+len(line) > maxPending {
		w.dropped++
	} else {
		w.pending = append(w.pending, line...)
	}
	w.mu.Unlock()
	w.signal()
	return len(line), nil
}

func (w *lineWriter) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // it will wake anyway
	}
}

// Close writes what is pending, waits for that a little, and closes the sink. Lines that come later are dropped.
func (w *lineWriter) Close() error {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.mu.Unlock()
	if already {
		return nil
	}
	w.signal()
	timeout := time.NewTimer(flushWait)
	defer timeout.Stop()
	select {
	case err := <-w.done:
		return err
	case <-timeout.C:
		return errNotFlushed
	}
}

// run writes until the writer is closed and nothing is pending. It ends later than Close only if the sink is stuck.
func (w *lineWriter) run() {
	var spare []byte
	for range w.wake {
		w.mu.Lock()
		lines, dropped, closed := w.pending, w.dropped, w.closed
		w.pending, w.dropped = spare[:0], 0
		w.mu.Unlock()

		lost, err := w.write(lines, dropped)
		spare = lines

		w.mu.Lock()
		w.dropped += lost
		w.mu.Unlock()
		if closed {
			w.done <- errors.Join(err, w.closeSink())
			return
		}
	}
}

// write writes the lines, and behind them a notice of those dropped since. If that fails it returns how many are now
// missing without a notice.
func (w *lineWriter) write(lines []byte, dropped int64) (lost int64, err error) {
	var mend []byte
	if w.torn {
		mend = []byte{'\n'}
	}
	chunk := append(mend, lines...)
	if dropped > 0 {
		chunk = append(chunk, w.notice(dropped)...)
	}
	if len(chunk) == 0 {
		return 0, nil
	}
	n, err := w.sink.Write(chunk)
	if err == nil {
		w.torn = false
		return 0, nil
	}
	written := chunk[len(mend):max(n, len(mend))]
	if n >= len(mend) {
		w.torn = len(written) > 0 && written[len(written)-1] != '\n'
	}
	whole := int64(bytes.Count(written, []byte{'\n'}))
	return max(0, int64(bytes.Count(lines, []byte{'\n'}))-whole) + dropped, err
}
