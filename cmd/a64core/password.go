package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/a64core/hub"
)

// maxPasswordLine is far above what the policy accepts.
const maxPasswordLine = 4 << 10

// readPassword reads a password: from standard input if told so, else by asking twice at a terminal, where it does not
// show.
func (p *program) readPassword(ctx context.Context, fromStdin bool) (hub.Secret, error) {
	if fromStdin {
		line, err := bufio.NewReader(io.LimitReader(p.stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return hub.Secret{}, fmt.Errorf("read the password: %w", err)
		}
		return hub.NewSecret(strings.TrimRight(line, "\r\n")), nil
	}
	terminal, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return hub.Secret{}, errors.New("there is no terminal to ask for the password: give it with --password-stdin")
	}
	first, err := p.ask(ctx, terminal, "Password: ")
	if err != nil {
		return hub.Secret{}, err
	}
	second, err := p.ask(ctx, terminal, "Once more: ")
	if err != nil {
		return hub.Secret{}, err
	}
	if first != second {
		return hub.Secret{}, errors.New("the two passwords differ")
	}
	return first, nil
}

// ask reads a line that does not show. Should ctx end meanwhile, the terminal shows again what is typed; the read itself
// cannot be called off and ends with the process.
func (p *program) ask(ctx context.Context, terminal *os.File, prompt string) (hub.Secret, error) {
	fd := int(terminal.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return hub.Secret{}, fmt.Errorf("look at the terminal: %w", err)
	}
	if err := printText(p.stderr, "%s", prompt); err != nil {
		return hub.Secret{}, err
	}
	var text []byte
	read := make(chan error, 1)
	go func() {
		var err error
		text, err = term.ReadPassword(fd)
		read <- err
	}()
	select {
	case err = <-read:
	case <-ctx.Done():
		return hub.Secret{}, errors.Join(errors.New("interrupted"), term.Restore(fd, state))
	}
	if err != nil {
		return hub.Secret{}, fmt.Errorf("read the password: %w", err)
	}
	return hub.NewSecret(string(text)), printText(p.stderr, "\n")
}
