package testdb

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is one connection through a proxy: the client's, and ours to the server.
type link struct {
	proxy  *Proxy
	closed chan struct{} // closed when the link is over

	mu    sync.Mutex
	conns []net.Conn // the client's; the server's once there is one
	over  bool
}

func newLink(p *Proxy, client net.Conn) *link {
	return &link{proxy: p, closed: make(chan struct{}), conns: []net.Conn{client}}
}

// reset ends both connections in such a way that the other ends see a reset, and what has not arrived is lost.
func (k *link) reset() { k.end(reset) }

// close ends both connections; what was sent still arrives.
func (k *link) close() {
	k.end(func(conn net.Conn) { _ = conn.Close() }) // there is nobody to tell
}

func (k *link) end(each func(net.Conn)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return
	}
	k.over = true
	close(k.closed)
	for _, conn := range k.conns {
		each(conn)
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it is closed more kindly
	}
	_ = conn.Close()
}

// run passes data until both sides have ended, or the link is reset.
func (k *link) run() {
	defer k.close()
	client := k.conns[0]
	if !k.wait(time.Time{}) {
		return
	}
	server, err := net.DialTimeout("tcp", k.proxy.target, startTime)
	if err != nil {
		k.reset() // the nearest to what the client would see without us
		return
	}
	if !k.add(server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { k.pass(server, client, false) })
	both.Go(func() { k.pass(client, server, true) })
	both.Wait()
}

// add takes the connection to the server, unless the link was reset while it was made.
func (k *link) add(server net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		reset(server)
		return false
	}
	k.conns = append(k.conns, server)
	return true
}

// wait returns at that time, and not before data may pass; false if the link was reset meanwhile.
func (k *link) wait(due time.Time) bool {
	if d := time.Until(due); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-k.closed:
			return false
		}
	}
	select {
	case <-k.closed:
		return false
	case <-k.proxy.gate():
		return true
	}
}

// chunk is what was read at once; without data, the end.
type chunk struct {
	data []byte
	due  time.Time
}

// pass takes what one side sends to the other, the end included. Reading goes on while chunks wait until they are due:
// a delayed answer delays the next no further.
func (k *link) pass(to, from net.Conn, answers bool) {
	chunks := make(chan chunk, 64)
	var reader sync.WaitGroup
	defer reader.Wait()
	reader.Go(func() { k.read(from, answers, chunks) })
	for c := range chunks {
		if !k.wait(c.due) {
			return
		}
		if c.data == nil {
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // the other side may have ended, too
			}
			return
		}
		n, cut := len(c.data), false
		if answers {
			n, cut = k.proxy.grant(n)
		}
		if _, err := to.Write(c.data[:n]); err != nil || cut {
			k.reset()
			return
		}
	}
}

func (k *link) read(from net.Conn, answers bool, chunks chan<- chunk) {
	defer close(chunks)
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		var due time.Time
		if answers {
			due = k.proxy.due()
		}
		if n > 0 && !k.send(chunks, chunk{buffer[:n], due}) {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			k.send(chunks, chunk{nil, due})
			return
		default:
			k.reset() // a reset on one side is one on the other
			return
		}
	}
}

func (k *link) send(chunks chan<- chunk, c chunk) bool {
	select {
	case chunks <- c:
		return true
	case <-k.closed:
		return false
	}
}
