package main

import (
	"cmp"
	"context"
	"runtime"
	"runtime/debug"
)

// What the linker is told, with -ldflags "-X main.version=v1.2.3 -X main.commit=...": where the program is built without its
// history, as in a container. They are not to be assigned.
var version, commit string

type versionCommand struct {
	JSON bool `name:"json" help:"Answer in JSON."`
}

// Help returns examples.
func (versionCommand) Help() string {
	return `Examples:

    a64core version
    a64core version --json`
}

// Run shows the version.
func (cmd versionCommand) Run(_ context.Context, p *program) error {
	b := readBuild()
	if cmd.JSON {
		return printJSON(p.stdout, b)
	}
	text := "a64core " + b.Version
	if b.Commit != "" {
		text += ", commit " + b.Commit
		if b.Modified {
			text += " with changes"
		}
	}
	return printText(p.stdout, "%s, %s\n", text, b.Go)
}

// build is what the Go toolchain recorded when it built the program, unless the linker was told.
type build struct {
	Version  string `json:"version"`          // of the module: a tag, a pseudo-version or "devel"
	Commit   string `json:"commit,omitempty"` // where the version control system was known
	Time     string `json:"time,omitempty"`   // of the commit
	Modified bool   `json:"modified"`         // built with changes that were not committed
	Go       string `json:"go"`
}

func readBuild() build {
	b := build{Version: "devel", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	b.Version, b.Commit = cmp.Or(version, b.Version), cmp.Or(commit, b.Commit)
	return b
}
