//go:build !linux

package app

import (
	"errors"
	"net"
)

// ignoreNewcomers does nothing: other systems have no such filter.
func ignoreNewcomers(net.Listener) error { return errors.ErrUnsupported }
