package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under load: the hub or the floor.
type process struct {
	addr    string
	cmd     *exec.Cmd
	started time.Duration // from exec to the first 200
}

// start runs a program and waits until path answers 200 at addr.
func start(ctx context.Context, addr, path string, cmd *exec.Cmd) (*process, error) {
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	p := &process{addr: addr, cmd: cmd}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := dial(ctx, addr); err == nil {
			status, _, err := c.do(newRequest("GET", path, "", nil))
			_ = c.Close() // only asked for a status
			if err == nil && status == 200 {
				p.started = time.Since(began)
				return p, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s did not answer: %w", filepath.Base(cmd.Path), ctx.Err()), p.stop())
		case <-tick.C:
		}
	}
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	_ = p.cmd.Wait() // how it ends is not what is measured
	return nil
}

// cpu returns the time that a process has spent on processors until now, or 0 where the system does not tell. It counts in steps
// of 10 ms.
func (p *process) cpu() time.Duration {
	if p == nil {
		return 0
	}
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat") // absent elsewhere
	return cpuOf(string(text))
}

// cpuOf reads what proc_pid_stat(5) describes: utime and stime are its fields 14 and 15, in hundredths of a second. The second,
// in parentheses, may hold anything.
func cpuOf(stat string) (spent time.Duration) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from the third on
	if len(fields) < 13 {
		return 0
	}
	for _, field := range fields[11:13] {
		ticks, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
		spent += time.Duration(ticks) * 10 * time.Millisecond
	}
	return spent
}

// memoryMiB returns one of the figures that the system keeps of a process's memory, or 0 where it does not tell.
func memoryMiB(cmd *exec.Cmd, figure string) float64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, figure+":"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// program is the hub, built.
type program struct {
	binary string
	key    string
}

func buildProgram(ctx context.Context, dir string) (*program, error) {
	linked, binary := filepath.Join(dir, "a64core.linked"), filepath.Join(dir, "a64core")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", linked, "./cmd/a64core")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the hub: %w\n%s", err, out)
	}
	if err := install(linked, binary); err != nil {
		return nil, fmt.Errorf("install the hub: %w", err)
	}
	secret := make([]byte, 48)
	_, _ = rand.Read(secret) // never fails
	return &program{binary: binary, key: base64.RawURLEncoding.EncodeToString(secret)}, nil
}

// install copies a program as an archive is unpacked: in small pieces. What was linked just now lies in the page cache in larger
// ones, and of those a process has more resident than it touches.
func install(linked, binary string) (err error) {
	from, err := os.Open(linked)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 10<<10)) // tar's record
	return errors.Join(err, to.Close())
}

// serve starts the hub as an operator would, with its log in a file, but with the limits off: they would end the run
// after ten requests. More settings count more.
func (p *program) serve(ctx context.Context, db *database, more ...string) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("free address: %w", err)
	}
	cmd := exec.CommandContext(ctx, p.binary, "serve")
	cmd.Dir = db.dir
	cmd.Env = append(db.environment(),
		"PORT="+port, "SECRET_KEY="+p.key, "LOG_FORMAT=json", "LOG_FILE="+filepath.Join(db.dir, "hub.log"),
		"RATE_LIMIT_GUEST=0", "RATE_LIMIT_USER=0", "HASH_QUEUE=128", "HASH_WAIT=30s", "MAIL_LIMIT=0", "MAX_SESSIONS=0",
	)
	cmd.Env = append(cmd.Env, more...)
	return start(ctx, addr, "/api/health", cmd)
}

func serveFloorProcess(ctx context.Context, key string, answer []byte) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "-floor", addr)
	input, err := json.Marshal(floorInput{Key: key, Answer: answer})
	if err != nil {
		return nil, fmt.Errorf("encode floor input: %w", err)
	}
	cmd.Stdin = bytes.NewReader(input)
	return start(ctx, addr, barePath, cmd)
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	addr := ln.Addr().String()
	return addr, ln.Close()
}
