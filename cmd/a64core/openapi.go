package main

import (
	"context"

	"github.com/a64core/hub/internal/api"
)

type openapiCommand struct {
	JSON bool `name:"json" help:"Write JSON instead of YAML."`
}

// Help returns examples.
func (openapiCommand) Help() string {
	return "Writes the OpenAPI 3.1 document of this version.\n\nExamples:\n\n    a64core openapi > openapi.yaml\n    a64core openapi --json"
}

// Run writes the document.
func (cmd openapiCommand) Run(_ context.Context, p *program) error {
	c, err := p.settings()
	if err != nil {
		return err
	}
	a := &api.API{Name: c.AppName, Version: readBuild().Version}
	write := a.OpenAPI
	if cmd.JSON {
		write = a.OpenAPIJSON
	}
	document, err := write()
	if err != nil {
		return err
	}
	return printText(p.stdout, "%s", document)
}
