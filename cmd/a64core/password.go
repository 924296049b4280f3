package main

import (
	"bufio"
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
func (p *program) readPassword(fromStdin bool) (hub.Secret, error) {
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
	first, err := p.ask(terminal, "Password: ")
	if err != nil {
		return hub.Secret{}, err
	}
	second, err := p.ask(terminal, "Once more: ")
	if err != nil {
		return hub.Secret{}, err
	}
	if first != second {
		return hub.Secret{}, errors.New("the two passwords differ")
	}
	return first, nil
}

func (p *program) ask(terminal *os.File, prompt string) (hub.Secret, error) {
	if err := printText(p.stderr, "%s", prompt); err != nil {
		return hub.Secret{}, err
	}
	text, err := term.ReadPassword(int(terminal.Fd()))
	if err != nil {
		return hub.Secret{}, fmt.Errorf("read the password: %w", err)
	}
	return hub.NewSecret(string(text)), printText(p.stderr, "\n")
}
