package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/a64core/hub"
	"github.com/a64core/hub/internal/app"
	"github.com/a64core/hub/internal/config"
	"github.com/a64core/hub/internal/store/replica"
)

type storeVerifyCommand struct {
	JSON  bool     `name:"json" help:"Answer in JSON."`
	Kinds []string `enum:"user,session,mail_token,lockout,mail,event,tombstone" default:"user,session,mail_token" placeholder:"KIND,..." help:"What to compare in two databases: user, session, mail_token, lockout, mail, event, tombstone."`
	All   bool     `help:"Compare all kinds."`
}

// Help returns examples.
func (storeVerifyCommand) Help() string {
	return `Reads every row of each database and says what is wrong with it. Of two, it also compares users, sessions and mail tokens, and
names each record that is not the same with the fields that differ. What merely waits to be copied is counted apart and is no
difference. It disturbs no server, but takes a while on a large database, so it shows how far it is.

With --json: "whole" (nothing was found), "findings" (sentences, with two databases behind the engine's name), and with two
databases "comparison": "compared" by kind, "pending", "differ", and "differences", the first 1000 of them, each with "kind",
"id", and either "missingIn" or "fields" (and "newerIn", if the version is higher in the secondary).

Examples:

    a64core store verify
    a64core store verify --all
    a64core store verify --kinds user --json`
}

// Run verifies.
func (cmd storeVerifyCommand) Run(ctx context.Context, p *program) error {
	c, err := p.untouched()
	if err != nil {
		return err
	}
	return p.withDatabases(ctx, c, func(all []hub.Database) error {
		found, err := cmd.look(ctx, p, c, all)
		if err != nil {
			return err
		}
		return found.print(p, cmd.JSON)
	})
}

// look verifies each database, and compares them.
func (cmd storeVerifyCommand) look(ctx context.Context, p *program, c config.Config, all []hub.Database) (verification, error) {
	shown := p.progress(cmd.JSON)
	defer shown.end()
	v := verification{Findings: []string{}}
	engines := app.Engines(c)
	for i, db := range all {
		shown.begin("Verifying %s", engines[i])
		found, err := db.Verify(ctx)
		if err != nil {
			return v, interrupted(ctx, err)
		}
		for _, finding := range found {
			if len(all) > 1 {
				finding = string(engines[i]) + ": " + finding
			}
			v.Findings = append(v.Findings, finding)
		}
	}
	if len(all) > 1 {
		shown.begin("Comparing %s with %s", engines[1], engines[0])
		v.Comparison = newDrift(engines[0], engines[1])
		r, err := (&replica.Comparison{
			Source: all[0], Target: all[1], Kinds: cmd.kinds(), Keep: app.Retention(c), Progress: shown.step, Found: v.Comparison.add,
		}).Run(ctx)
		if err != nil {
			return v, interrupted(ctx, err)
		}
		v.Comparison.sum(r)
	}
	v.Whole = len(v.Findings) == 0 && (v.Comparison == nil || v.Comparison.Differ == 0)
	return v, nil
}

// kinds returns what to compare, in the order in which it refers to each other.
func (cmd storeVerifyCommand) kinds() (kinds []hub.RecordKind) {
	asked := make(map[hub.RecordKind]bool)
	for _, kind := range cmd.Kinds {
		asked[hub.RecordKind(kind)] = true
	}
	for _, kind := range hub.RecordKinds() {
		if asked[kind] || cmd.All {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// interrupted says so of an error that came of the end of ctx.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return errors.New("interrupted")
	}
	return err
}

// verification is what "store verify" found.
type verification struct {
	Whole      bool     `json:"whole"`
	Findings   []string `json:"findings"`
	Comparison *drift   `json:"comparison,omitempty"`
}

// print writes it, and fails if something was found.
func (v verification) print(p *program, asJSON bool) error {
	var err error
	if asJSON {
		err = printJSON(p.stdout, v)
	} else {
		err = v.printText(p)
	}
	if err == nil && !v.Whole {
		err = errReported
	}
	return err
}

func (v verification) printText(p *program) error {
	for _, finding := range v.Findings {
		if err := printText(p.stdout, "%s\n", finding); err != nil {
			return err
		}
	}
	if v.Comparison != nil {
		if err := v.Comparison.print(p); err != nil {
			return err
		}
		if err := printText(p.stdout, "Compared: %s.\n", v.Comparison.compared()); err != nil {
			return err
		}
	}
	return printText(p.stdout, "%s\n", v.verdict())
}

func (v verification) verdict() string {
	switch {
	case v.Comparison == nil && v.Whole:
		return "The database is whole."
	case v.Comparison == nil:
		return findings(len(v.Findings)) + "."
	case v.Whole:
		return "Both databases are whole and hold the same."
	}
	return fmt.Sprintf("%s, %s.", findings(len(v.Findings)), records(v.Comparison.Differ, "differs", "differ"))
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}
