package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/a64core/hub/internal/config"
)

type manCommand struct{}

// Help returns examples.
func (manCommand) Help() string {
	return `Writes the manual page: every command, every setting.

Examples:

    a64core man > /usr/local/share/man/man1/a64core.1
    a64core man | man --local-file -`
}

// Run writes the page.
func (manCommand) Run(_ context.Context, p *program) error {
	parser, err := newParser(new(commands), newSettingFlags())
	if err != nil {
		return err
	}
	return printText(p.stdout, "%s", manual(parser.Model, readBuild().Version))
}

// manual returns the page in the macros of man(7).
func manual(app *kong.Application, version string) string {
	var m manPage
	m.macro("TH", "A64CORE", "1", "", "a64core "+version, "User Commands")
	m.macro("SH", "NAME")
	m.text("a64core - sign-in and user management behind one API")
	m.macro("SH", "SYNOPSIS")
	m.text("a64core [--env-file FILE] [--SETTING VALUE]... COMMAND [FLAG]... [ARGUMENT]...")
	m.macro("SH", "DESCRIPTION")
	first, rest, _ := strings.Cut(app.Help, "\n\n")
	m.text(first)
	m.prose(rest)
	m.macro("SH", "COMMANDS")
	for _, command := range app.Leaves(true) {
		m.command(command)
	}
	m.macro("SH", "SETTINGS")
	m.text("Each is a variable of the environment, a line of the .env file, and a flag.")
	var group string
	for _, s := range config.Settings() {
		if s.Group != group {
			group = s.Group
			m.macro("SS", group)
		}
		m.item(strings.TrimSuffix(s.Name+"="+s.Default, "="), s.Help)
	}
	m.macro("SH", "EXIT STATUS")
	m.item(fmt.Sprint(exitOK), "Done.")
	m.item(fmt.Sprint(exitFailure), "Failed, for the reason on standard error.")
	m.item(fmt.Sprint(exitUsage), "Used wrongly.")
	m.macro("SH", "FILES")
	m.item(config.DefaultEnvFile, "Settings, if it is in the working directory.")
	return m.String()
}

// manPage is a page that is being written.
type manPage struct{ strings.Builder }

func (m *manPage) command(command *kong.Node) {
	m.macro("SS", command.FullPath())
	m.text(command.Help)
	for _, argument := range command.Positional {
		m.item(argument.Summary(), argument.Help)
	}
	for _, flag := range command.Flags {
		if !flag.Hidden {
			m.item(strings.TrimSpace(flag.String()), flag.Help)
		}
	}
	m.prose(command.Detail)
}

// prose writes paragraphs. Lines that are indented are an example, and stay as they are.
func (m *manPage) prose(text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		m.macro("PP")
		example := strings.HasPrefix(paragraph, "    ")
		if example {
			m.macro("EX")
		}
		m.text(paragraph)
		if example {
			m.macro("EE")
		}
	}
}

// item writes a term and what it means.
func (m *manPage) item(term, text string) {
	m.macro("TP")
	m.text(term)
	m.text(text)
}

// text writes lines that may hold anything.
func (m *manPage) text(text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = escapeRoff(line)
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line // a request otherwise
		}
		fmt.Fprintln(m, line)
	}
}

// macro writes a line that is one.
func (m *manPage) macro(name string, arguments ...string) {
	quoted := slices.Clone(arguments)
	for i := range quoted {
		quoted[i] = `"` + strings.ReplaceAll(escapeRoff(quoted[i]), `"`, `\(dq`) + `"`
	}
	fmt.Fprintln(m, "."+strings.Join(append([]string{name}, quoted...), " "))
}

// escapeRoff keeps a text from meaning something to roff, and its hyphens and quotes as they are to be typed.
func escapeRoff(text string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`, "`", `\(ga`, `~`, `\(ti`, `^`, `\(ha`).Replace(text)
}
