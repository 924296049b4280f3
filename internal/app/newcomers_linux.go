package app

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ignoreNewcomers has the system drop whatever begins a connection to ln, while those that are begun are still completed
// and can be accepted. When a port closes, the system resets connections that it has completed and nobody has accepted,
// with the requests in them; a client whose first packet was dropped repeats it a second later and finds the port closed,
// which tells it, or a balancer, that nothing was done.
func ignoreNewcomers(ln net.Listener) error {
	const (
		flags    = 13 // where they are in a TCP header (RFC 9293, section 3.1)
		syn, ack = 0x02, 0x10
	)
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: flags, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: syn | ack},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: syn, SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 1<<32 - 1}, // all of it
	})
	if err != nil {
		return fmt.Errorf("assemble the filter: %w", err)
	}
	var filter []unix.SockFilter
	for _, i := range program {
		filter = append(filter, unix.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return errors.New("no TCP port")
	}
	socket, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = socket.Control(func(fd uintptr) {
		refused = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	})
	return errors.Join(err, refused)
}
