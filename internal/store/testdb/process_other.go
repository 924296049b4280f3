//go:build !linux

package testdb

import (
	"os"
	"syscall"
)

// Elsewhere servers run as whoever runs the test, who should not be root, and none can be frozen.
type owner struct{}

func unprivileged(...string) (*owner, error) { return nil, nil }

func attributes(*owner, bool) *syscall.SysProcAttr { return nil }

func (*owner) give(string) error { return nil }

var signalFreeze, signalThaw os.Signal

func isFrozen(int) bool { return true }
