package testdb

import (
	"context"
	"net"
	"testing"
)

// StartProgram starts a program that is no database, such as "nginx", and returns when it takes connections. Its arguments
// are made of the address where it is to listen and of a folder of the test's own.
func StartProgram(t testing.TB, name string, args func(addr, dir string) []string) *Server {
	t.Helper()
	s := &Server{t: t, kind: name, program: Program(t, name), dir: ownFolder(t, nil), parent: true, answers: connects}
	s.args = func(addr string) []string { return args(addr, s.dir) }
	s.launch()
	t.Cleanup(func() { // before the one that kills, which its own processes would outlive
		if s.running() {
			s.Stop()
		}
	})
	return s
}

func connects(ctx context.Context, addr string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}

// FreeAddr returns an address of this machine whose port nobody listens on, nor is likely to before the test does.
func FreeAddr(t testing.TB) string {
	t.Helper()
	addr, err := freeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
