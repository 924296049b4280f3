package testdb

import (
	"bytes"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user that a server runs as and that owns its files; nil is whoever runs the test.
type owner struct{ uid, gid uint32 }

// unprivileged returns whom a server that refuses to serve as root should run as: the first of the users that there is.
func unprivileged(names ...string) (*owner, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	var err error
	for _, name := range names {
		var u *user.User
		if u, err = user.Lookup(name); err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &owner{uint32(uid), uint32(gid)}, nil
	}
	return nil, err
}

// attributes let a process run as the owner, out of reach of the terminal's signals, and die with the thread that started
// it: so it ends even if the test is killed. A parent is asked to end, or its children would outlive it.
func attributes(o *owner, parent bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if parent {
		a.Pdeathsig = syscall.SIGTERM
	}
	if o != nil {
		a.Credential = &syscall.Credential{Uid: o.uid, Gid: o.gid}
	}
	return a
}

// give makes the owner the owner of a file or folder.
func (o *owner) give(path string) error {
	if o == nil {
		return nil
	}
	return os.Lchown(path, int(o.uid), int(o.gid))
}

var (
	signalFreeze os.Signal = syscall.SIGSTOP
	signalThaw   os.Signal = syscall.SIGCONT
)

// isFrozen reports whether every thread of the process stands still.
func isFrozen(pid int) bool {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has ended
		}
		// The name stands in parentheses and may hold any; the state is behind it.
		if _, state, ok := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" ")); !ok || state[0] != 'T' {
			return false
		}
	}
	return true
}
