package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal with the program at it.
type terminal struct {
	keyboard *os.File // what is written here is typed
	line     *os.File // the program's side
	screen   *output  // all that shows
	cmd      *exec.Cmd
}

// atTerminal starts the program at a new pseudo terminal: its standard output apart, as if redirected.
func atTerminal(t *testing.T, dir string, args ...string) (terminal, *output) {
	t.Helper()
	stdout := newOutput()
	cmd := exec.Command(builtProgram, args...)
	cmd.Env, cmd.Dir, cmd.Stdout = environment(dir), dir, stdout
	return startAtTerminal(t, cmd), stdout
}

// startAtTerminal starts a command at a new pseudo terminal, with what is not connected otherwise.
func startAtTerminal(t *testing.T, cmd *exec.Cmd) terminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals: %v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	p := terminal{keyboard, line, newOutput(), cmd}
	cmd.Stdin, cmd.Stderr = line, line
	if cmd.Stdout == nil {
		cmd.Stdout = line
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // Ctrl-C reaches it
	go func() { _, _ = io.Copy(p.screen, keyboard) }()                  // ends with the terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return p
}

// echoes reports whether the terminal shows what is typed.
func (p terminal) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(p.line.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// answer waits for the prompt, and until the terminal is silent, and types.
func (p terminal) answer(t *testing.T, prompt, text string) {
	t.Helper()
	p.screen.wait(t, prompt)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for p.echoes(t) {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the terminal was never silenced")
		}
	}
	if _, err := p.keyboard.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func (p terminal) wait() int {
	_ = p.cmd.Wait() // the exit code says it
	return p.cmd.ProcessState.ExitCode()
}

func atPasswordPrompt(t *testing.T, dir string) (terminal, *output) {
	t.Helper()
	return atTerminal(t, dir, "users", "create", "--email", "root@example.com", "--role", "super_admin",
		"--first-name", "Grace", "--last-name", "Hopper", "--json")
}

func TestPasswordIsAskedTwiceAndDoesNotShow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, stdout := atPasswordPrompt(t, dir)
	p.answer(t, "Password: ", testPassword+"\n")
	p.answer(t, "Once more: ", testPassword+"\n")
	if code := p.wait(); code != exitOK || !strings.Contains(stdout.String(), `"role": "super_admin"`) {
		t.Fatalf("exit code %d\n%s%s", code, p.screen, stdout)
	}
	if shown := p.screen.String() + stdout.String(); strings.Contains(shown, testPassword) {
		t.Errorf("the password shows: %q", shown)
	}
	if !p.echoes(t) {
		t.Error("the terminal stays silent")
	}
	if a := (&account{email: "root@example.com"}); !a.login(serve(t, dir)) {
		t.Error("the new super_admin cannot log in")
	}
}

func TestPasswordsThatDifferAreRefused(t *testing.T) {
	t.Parallel()
	p, stdout := atPasswordPrompt(t, t.TempDir())
	p.answer(t, "Password: ", testPassword+"\n")
	p.answer(t, "Once more: ", testPassword+"x\n")
	if code := p.wait(); code != exitFailure || stdout.String() != "" {
		t.Errorf("exit code %d, standard output %q", code, stdout)
	}
	p.screen.wait(t, "the two passwords differ")
}

func TestInterruptAtThePasswordPromptLeavesAWorkingTerminal(t *testing.T) {
	t.Parallel()
	p, stdout := atPasswordPrompt(t, t.TempDir())
	p.answer(t, "Password: ", "Secr\x03") // Ctrl-C
	if code := p.wait(); code != exitFailure || stdout.String() != "" {
		t.Errorf("exit code %d, standard output %q", code, stdout)
	}
	if !p.echoes(t) {
		t.Error("the terminal stays silent")
	}
	p.screen.wait(t, "interrupted")
}

func TestProgressShowsOnATerminalOnly(t *testing.T) {
	t.Parallel()
	from, to := install(t), t.TempDir()
	fillFile(t, from, 1500)
	p, stdout := atTerminal(t, to, "store", "copy", "--from", "sqlite", "--to", "sqlite", "--from-path", from.dir+"/a64core.db")
	if code := p.wait(); code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, p.screen, stdout)
	}
	p.screen.wait(t, `Copying sqlite to sqlite \.\.\.`)
	p.screen.wait(t, `users +\d+ % \[=+ *\] [\d,]+ of 1,500`)
	p.screen.wait(t, `events +100 % \[=+\] 1,500 of 1,500`)
	if text := stdout.String(); strings.Contains(text, "\x1b") || !strings.Contains(text, "sqlite: 6,000 records were written, 0 removed.") {
		t.Errorf("standard output: %q", text)
	}
}
