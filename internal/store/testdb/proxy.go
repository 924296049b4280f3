package testdb

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy before a server, as good as the network that a test wants. It ends with the test. Its methods may
// be called at any time and by anyone; what they set holds for present and for new connections until Restore.
type Proxy struct {
	t      testing.TB
	target string
	addr   string
	ended  sync.WaitGroup // every goroutine of ours

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	links    map[*link]bool
	open     chan struct{} // closed while data may pass
	delay    time.Duration
	left     int // bytes of answers that pass before the connection is cut; negative if it is not to be
}

// NewProxy starts a proxy before the server at target, host:port.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{t: t, target: target, links: make(map[*link]bool), open: make(chan struct{}), left: -1}
	close(p.open)
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	p.serve(l)
	t.Cleanup(func() {
		p.Refuse()
		p.ended.Wait()
	})
	return p
}

// Addr is where the proxy listens, host:port.
func (p *Proxy) Addr() string { return p.addr }

// Refuse cuts all connections and refuses new ones, as a machine does on which no server runs.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close() // it is open: nothing can go wrong
		p.listener = nil
	}
	p.cut()
}

// BlackHole accepts connections and passes nothing on in either direction, as a network does that loses everything. What
// is sent meanwhile arrives after Restore, as TCP would repeat it.
func (p *Proxy) BlackHole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listen()
	select {
	case <-p.open:
		p.open = make(chan struct{})
	default: // nothing passes already
	}
}

// Delay lets everything that the server sends arrive so much later.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Cut resets the present connections, in the middle of whatever they do. New ones work.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// CutAnswerAfter lets n more bytes of answers pass and then resets the connection that the next would come through, once.
// With 0 the server has done what the next request asks for, and the client does not hear of it.
func (p *Proxy) CutAnswerAfter(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

// Restore makes an end of all that was wrong. What was held back goes on its way.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.left = 0, -1
	select {
	case <-p.open:
	default:
		close(p.open)
	}
	p.listen()
}

// listen opens the port again if it is closed. The caller holds the lock.
func (p *Proxy) listen() {
	if p.listener != nil {
		return
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Errorf("proxy: %v", err) // not Fatal: whoever calls may be another goroutine
		return
	}
	p.serve(l)
}

func (p *Proxy) serve(l net.Listener) {
	p.listener = l
	p.ended.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // it is closed
			}
			p.accept(l, conn)
		}
	})
}

// accept starts to serve a connection, unless its listener was closed while it came.
func (p *Proxy) accept(l net.Listener, conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := newLink(p, conn)
	if p.listener != l {
		k.reset()
		return
	}
	p.links[k] = true
	p.ended.Go(func() {
		k.run()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, k)
	})
}

// cut resets the present connections. The caller holds the lock.
func (p *Proxy) cut() {
	for k := range p.links {
		k.reset()
		delete(p.links, k)
	}
}

// gate returns what is closed while data may pass.
func (p *Proxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// due returns when something that the server sent now should arrive.
func (p *Proxy) due() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.delay)
}

// grant returns how many of n bytes of an answer may pass, and whether the connection ends after them.
func (p *Proxy) grant(n int) (pass int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.left < 0:
		return n, false
	case n <= p.left:
		p.left -= n
		return n, false
	}
	pass, p.left = p.left, -1
	return pass, true
}
