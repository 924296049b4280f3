// Command a64core is the A64 Core Platform API Hub: the server and the tools to look after it.
//
// This package turns the command line into calls of other packages and their answers into text or JSON. It decides
// nothing about users, tokens or storage. Each file is one group of commands; settings.go makes every setting a flag.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/a64core/hub/internal/config"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() { os.Exit(untilSignal()) }

// untilSignal runs the program with a context that ends with the first SIGINT or SIGTERM. A second one ends the process.
func untilSignal() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr)
}

// commands is the grammar of the command line.
type commands struct {
	EnvFile string `default:"${env_file}" placeholder:"FILE" help:"File to read settings from that neither a flag nor the environment gives."`

	Serve       serveCommand       `cmd:"" settings:"" help:"Serve the API."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database's schema up to date."`
	Users       usersCommands      `cmd:"" help:"Manage accounts; how the first super_admin comes to be."`
	Events      eventsCommand      `cmd:"" help:"Show the audit trail."`
	Mail        mailCommands       `cmd:"" help:"Look after the mail."`
	Store       storeCommands      `cmd:"" help:"Look after the databases: see, verify, repair and copy them."`
	Backup      backupCommands     `cmd:"" help:"Write everything into an archive while hubs serve, and check archives."`
	Restore     restoreCommand     `cmd:"" help:"Put an archive into the database, whichever that is."`
	Config      configCommands     `cmd:"" help:"Check and show the settings."`
	OpenAPI     openapiCommand     `cmd:"" name:"openapi" help:"Write the OpenAPI document."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running server whether it is well."`
	Completion  completionCommand  `cmd:"" help:"Write the completion script of a shell."`
	Man         manCommand         `cmd:"" help:"Write the manual page."`
	Version     versionCommand     `cmd:"" help:"Show the version."`
}

const description = `The A64 Core Platform API Hub: sign-in and user management behind one API.

Every setting is a flag of every command: --data-dir for DATA_DIR, --debug or --debug=false for DEBUG. They are listed by
"a64core config print --help". Commands exit with 0 on success, 2 on wrong usage, and 1 otherwise.`

// command is one of the leaves of commands.
type command interface {
	Run(ctx context.Context, p *program) error
}

// program is what commands work with.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	source         config.Source
}

// errReported is returned by a command that has failed and said so itself.
var errReported = errors.New("failure already reported")

// run runs the program with the given arguments and environment until it is done or ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, source: config.Source{Lookup: lookup}}
	chosen, code := p.parse(args)
	if chosen == nil {
		return code
	}
	switch err := chosen.Run(ctx, p); {
	case errors.Is(err, errReported):
		return exitFailure
	case err != nil:
		return fail(stderr, err, exitFailure)
	}
	return exitOK
}

// parse returns the command that the arguments ask for, and notes the settings among them; or, if nothing is left to be done, the
// exit code. It keeps nothing of the grammar, which is a tenth of the data that a server holds before its first request.
func (p *program) parse(args []string) (chosen command, code int) {
	var (
		grammar commands
		flags   = newSettingFlags()
		helped  bool
	)
	parser, err := newParser(&grammar, flags,
		kong.Writers(p.stdout, p.stderr), kong.Exit(func(int) { helped = true }),
		kong.Help(printHelp), kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110, NoAppDescFormat: true}),
	)
	if err != nil {
		return nil, fail(p.stderr, err, exitFailure)
	}
	if len(args) > 0 && args[0] == completionArg {
		_, _ = io.WriteString(p.stdout, completion(parser.Model, args[1:])) // a shell that does not read it does not need it
		return nil, exitOK
	}
	parsed, err := parser.Parse(args)
	if helped {
		return nil, exitOK
	}
	if err != nil {
		return nil, failUsage(p.stderr, err)
	}
	p.source.Flags, p.source.EnvFile = flags.given(), grammar.EnvFile
	return parsed.Selected().Target.Addr().Interface().(command), exitOK // a test looks at every leaf
}

// newParser builds the parser of the command line.
func newParser(grammar *commands, flags settingFlags, more ...kong.Option) (*kong.Kong, error) {
	parser, err := kong.New(grammar, append(more,
		kong.Name("a64core"), kong.Description(description), kong.Vars{"env_file": config.DefaultEnvFile}, kong.Embed(flags.target))...)
	if err != nil {
		return nil, fmt.Errorf("build the command line: %w", err)
	}
	return parser, nil
}

func fail(stderr io.Writer, err error, code int) int {
	_, _ = fmt.Fprintf(stderr, "a64core: %v\n", err) // there is nobody else to tell
	return code
}

func failUsage(stderr io.Writer, err error) int {
	at := "a64core"
	if parseErr := new(kong.ParseError); errors.As(err, &parseErr) && parseErr.Context != nil {
		if node := parseErr.Context.Selected(); node != nil {
			at = node.FullPath()
		}
	}
	return fail(stderr, fmt.Errorf("%w\nRun \"%s --help\" for how to use it", err, at), exitUsage)
}

// settings reads and checks the settings.
func (p *program) settings() (config.Config, error) {
	c, err := config.Load(p.source)
	if err != nil {
		return c, fmt.Errorf("mistakes in the settings:\n%w", err)
	}
	return c, nil
}
