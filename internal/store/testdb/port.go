package testdb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// listen opens a free port of this machine. It is none of those that the system gives to outgoing connections: whoever
// closes the port and wants it again later would find it taken by a client that was quicker, perhaps by one that tries to
// reach it.
func listen() (net.Listener, error) {
	const first, end = 15000, 32000
	var errs []error
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(end-first)))
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// freeAddr returns the address of a port that was free a moment ago.
func freeAddr() (string, error) {
	l, err := listen()
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
