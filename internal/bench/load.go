package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// request is one HTTP/1.1 request as it goes over the wire.
type request []byte

func newRequest(method, path, bearer string, body []byte) request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	if bearer != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", bearer)
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// conn is a connection that does as little per request as possible, so that the generator leaves the cores to the server.
type conn struct {
	net.Conn
	in  *bufio.Reader
	buf []byte
}

func dial(ctx context.Context, addr string) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return nil, errors.Join(fmt.Errorf("set deadline: %w", err), c.Close())
		}
	}
	return &conn{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// do sends one request and returns the answer's status and body. The body is overwritten by the next call.
func (c *conn) do(r request) (status int, body []byte, err error) {
	if _, err := c.Write(r); err != nil {
		return 0, nil, fmt.Errorf("send: %w", err)
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, fmt.Errorf("read status: %w", err)
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("short status line")
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, fmt.Errorf("status line: %w", err)
	}
	length, chunked := 0, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, nil, fmt.Errorf("read header: %w", err)
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, nil, fmt.Errorf("content length: %w", err)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	if chunked {
		c.buf, err = readChunks(c.in, c.buf[:0])
		return status, c.buf, err
	}
	if cap(c.buf) < length {
		c.buf = make([]byte, length)
	}
	c.buf = c.buf[:length]
	if _, err := io.ReadFull(c.in, c.buf); err != nil {
		return 0, nil, fmt.Errorf("read body: %w", err)
	}
	return status, c.buf, nil
}

// readChunks appends a body that comes in chunks (RFC 9112, section 7.1), none of which has a trailer.
func readChunks(in *bufio.Reader, body []byte) ([]byte, error) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("read chunk: %w", err)
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return nil, fmt.Errorf("size of a chunk: %w", err)
		}
		before := len(body)
		body = slices.Grow(body, int(size))[:before+int(size)]
		if _, err := io.ReadFull(in, body[before:]); err != nil {
			return nil, fmt.Errorf("read chunk: %w", err)
		}
		if _, err := in.Discard(len("\r\n")); err != nil {
			return nil, fmt.Errorf("read chunk: %w", err)
		}
		if size == 0 {
			return body, nil
		}
	}
}

// result is what a load met.
type result struct {
	took      time.Duration
	latencies []time.Duration // of the answers counted, ascending
	statuses  map[int]int     // of all answers
	rate      float64         // a second, if that of all the answers is not what counts
	cpu       time.Duration   // of the server meanwhile
}

func (r result) perSecond() float64 {
	if r.rate > 0 {
		return r.rate
	}
	return share(float64(len(r.latencies)), r.took.Seconds())
}

func (r result) percentile(p float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(len(r.latencies)-1, int(p*float64(len(r.latencies))))]
}

// answers counts all of them.
func (r result) answers() (n int) {
	for _, of := range r.statuses {
		n += of
	}
	return n
}

func (r result) figures() figures {
	f := figures{PerSecond: r.perSecond(), P50: ms(r.percentile(.5)), P99: ms(r.percentile(.99))}
	f.CPU = share(float64(r.cpu.Microseconds()), float64(r.answers()))
	if len(r.statuses) > 1 {
		f.Statuses = r.statuses
	}
	return f
}

var errNone = errors.New("no answer had status")

// load runs conns connections against addr for the duration, each asking next for its next request and giving it the
// answer to the one before. Answers with the wanted status are counted, others are tallied. A connection whose next
// returns nil stops.
func load(ctx context.Context, addr string, conns int, d time.Duration, want int, next func(conn int) func(last []byte) request) (result, error) {
	return loadAtRate(ctx, addr, conns, 0, d, want, next)
}

// loadAtRate does what load does, but requests become due at a fixed rate of so many a second, in turn on each connection,
// whatever became of those before. Latencies count from when a request was due: one that had to wait for the answer to
// another has waited. With a rate of 0, each is due when the one before is answered.
func loadAtRate(ctx context.Context, addr string, conns, perSecond int, d time.Duration, want int, next func(conn int) func(last []byte) request) (result, error) {
	const longest = 2 * time.Minute // for an answer: some servers hash all that they are asked to at once
	ctx, cancel := context.WithTimeout(ctx, d+longest)
	defer cancel()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		all   = result{statuses: make(map[int]int)}
		errs  []error
	)
	start := time.Now()
	for i := range conns {
		group.Go(func() {
			due := func(int) time.Time { return time.Now() }
			if perSecond > 0 {
				due = func(n int) time.Time {
					return start.Add(time.Duration(n*conns+i) * time.Second / time.Duration(perSecond))
				}
			}
			latencies, statuses, err := drive(ctx, addr, due, start.Add(d), want, next(i))
			mu.Lock()
			defer mu.Unlock()
			all.latencies = append(all.latencies, latencies...)
			for status, n := range statuses {
				all.statuses[status] += n
			}
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	all.took = time.Since(start)
	slices.Sort(all.latencies)
	if len(all.latencies) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%w %d: %v", errNone, want, all.statuses))
	}
	return all, errors.Join(errs...)
}

// lost stands for the status of an answer that never came.
const lost = 0

// isTimeout reports whether a server accepts no connection for as long as anybody waits, which some do under a storm of logins:
// that is no answer, too.
func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// drive makes one request after the other until the given time, the nth when it is due.
func drive(ctx context.Context, addr string, due func(n int) time.Time, until time.Time, want int, next func([]byte) request) (latencies []time.Duration, statuses map[int]int, err error) {
	c, err := dial(ctx, addr)
	if isTimeout(err) {
		return nil, map[int]int{lost: 1}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if c != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	statuses = make(map[int]int)
	var last []byte
	for n := 0; ; n++ {
		before := due(n)
		if before.After(until) {
			return latencies, statuses, nil
		}
		wait(ctx, time.Until(before))
		r := next(last)
		if r == nil {
			return latencies, statuses, nil
		}
		status, body, err := c.do(r)
		if err != nil { // the server hung up: that is counted as an answer
			status, body = lost, []byte{}
			_ = c.Close() // it is of no use any more
			if c, err = dial(ctx, addr); isTimeout(err) {
				statuses[lost]++
				return latencies, statuses, nil
			}
			if err != nil {
				return latencies, statuses, err
			}
		}
		statuses[status]++
		if status == want {
			latencies = append(latencies, time.Since(before))
		}
		last = body
	}
}

// always asks for the same thing each time.
func always(r request) func(int) func([]byte) request {
	return func(int) func([]byte) request { return func([]byte) request { return r } }
}
