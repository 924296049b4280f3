package main

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/mail"
)

// configCommands look at the settings. None of them changes anything.
type configCommands struct {
	Check      configCheckCommand      `cmd:"" help:"Check all settings and report every mistake at once."`
	Print      configPrintCommand      `cmd:"" settings:"" help:"Show the settings in force and where each comes from, without secrets."`
	EnvExample configEnvExampleCommand `cmd:"" help:"Write a commented .env file with every setting and its default."`
}

type configCheckCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (configCheckCommand) Help() string {
	return `Reads flags, the environment and the .env file as "serve" does, and starts nothing. Exits with 1 if there is a mistake.

Examples:

    a64core config check
    a64core config check --environment production --json
    a64core config check --env-file staging.env`
}

// Run checks the settings, and besides what only their users can tell: whether the certificate can be loaded, and what
// the options in SMTP_URL mean.
func (cmd configCheckCommand) Run(_ context.Context, p *program) error {
	c, err := config.Load(p.source)
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		return err
	}
	if c.TLS() {
		if _, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile); err != nil {
			problems = append(problems, config.Problem{Name: "TLS_CERT_FILE", Message: "cannot be used with TLS_KEY_FILE: " + err.Error()})
		}
	}
	if c.MailDriver == config.MailSMTP && !c.SMTPURL.IsZero() {
		if _, err := mail.ParseSMTPURL(c.SMTPURL.Reveal()); err != nil {
			problems = append(problems, config.Problem{Name: "SMTP_URL", Message: err.Error()})
		}
	}
	if cmd.JSON {
		err = printJSON(p.stdout, struct {
			Valid    bool            `json:"valid"`
			Problems config.Problems `json:"problems"`
			Warnings config.Problems `json:"warnings"`
		}{len(problems) == 0, append(config.Problems{}, problems...), append(config.Problems{}, c.Warnings()...)})
	} else {
		err = printCheck(p, problems, c.Warnings())
	}
	if err == nil && len(problems) > 0 {
		err = errReported
	}
	return err
}

func printCheck(p *program, problems, warnings config.Problems) error {
	for _, problem := range problems {
		if err := printText(p.stderr, "mistake: %s\n", problem); err != nil {
			return err
		}
	}
	for _, warning := range warnings {
		if err := printText(p.stderr, "warning: %s\n", warning); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return nil
	}
	return printText(p.stdout, "The settings are valid.\n")
}

type configPrintCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (configPrintCommand) Help() string {
	return `Shows every setting with its value, where the value comes from (default, .env, environment or flag) and its default.
Secrets show as [set]. Exits with 1 if there is a mistake, after showing what could be read.

Examples:

    a64core config print
    a64core config print --json
    a64core config print --port 9000 --log-format json`
}

// Run shows the settings, also those that have mistakes beside them.
func (cmd configPrintCommand) Run(_ context.Context, p *program) error {
	c, mistakes := p.settings()
	if cmd.JSON {
		return errors.Join(printJSON(p.stdout, c.Redacted()), mistakes)
	}
	rows := [][]string{{"NAME", "VALUE", "SOURCE", "DEFAULT"}}
	for _, v := range c.Redacted() {
		rows = append(rows, []string{v.Name, v.Value, v.Source, v.Default})
	}
	return errors.Join(printTable(p.stdout, rows), mistakes)
}

type configEnvExampleCommand struct{}

// Help returns examples.
func (configEnvExampleCommand) Help() string {
	return `Examples:

    a64core config env-example > .env`
}

// Run writes the example.
func (configEnvExampleCommand) Run(_ context.Context, p *program) error {
	return printText(p.stdout, "%s", config.EnvExample())
}
