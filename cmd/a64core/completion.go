package main

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionScripts teach a shell to ask the program what may follow: completionArg and the words so far, of which the last
// is the one to complete.
//
//go:embed completion
var completionScripts embed.FS

// completionArg stands in the place of a command when a shell asks. It is no command, lest words like --help be obeyed.
const completionArg = "__complete"

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help returns examples.
func (completionCommand) Help() string {
	return `Writes what teaches the shell to complete commands, flags and settings with the TAB key.

Examples:

    a64core completion bash > /etc/bash_completion.d/a64core      # or, for oneself: eval "$(a64core completion bash)" in ~/.bashrc
    a64core completion zsh > "${fpath[1]}/_a64core"
    a64core completion fish > ~/.config/fish/completions/a64core.fish`
}

// Run writes the script.
func (cmd completionCommand) Run(_ context.Context, p *program) error {
	script, err := completionScripts.ReadFile("completion/a64core." + cmd.Shell)
	if err != nil {
		return err
	}
	return printText(p.stdout, "%s", script)
}

// completion returns what the last of the words may become, a line each: the word, a tab, and what it means.
func completion(app *kong.Application, words []string) string {
	if len(words) == 0 {
		return ""
	}
	c := completer{node: app.Node}
	for _, word := range words[:len(words)-1] {
		c.pass(word)
	}
	var lines strings.Builder
	for _, candidate := range c.candidates(words[len(words)-1]) {
		fmt.Fprintf(&lines, "%s\t%s\n", candidate[0], candidate[1])
	}
	return lines.String()
}

// completer is the place in the grammar that the words so far lead to.
type completer struct {
	node      *kong.Node
	flag      *kong.Flag // whose value is next, or nil
	arguments int        // the positional arguments that are given
}

// pass goes on by one word.
func (c *completer) pass(word string) {
	switch {
	case word == "=": // bash makes a word of it
	case c.flag != nil:
		c.flag = nil
	case strings.HasPrefix(word, "-"):
		name, _, complete := strings.Cut(word, "=")
		for _, flag := range c.flags() {
			if "--"+flag.Name == name && !complete && !flag.IsBool() {
				c.flag = flag
			}
		}
	default:
		i := slices.IndexFunc(c.node.Children, func(n *kong.Node) bool { return n.Name == word })
		if i < 0 {
			c.arguments++
			return
		}
		c.node = c.node.Children[i]
	}
}

// flags returns all that may stand here.
func (c *completer) flags() []*kong.Flag { return slices.Concat(c.node.AllFlags(false)...) }

// candidates returns pairs of a word that begins with the prefix and what it means.
func (c *completer) candidates(prefix string) [][2]string {
	var all [][2]string
	switch {
	case c.flag != nil:
		all = values(c.flag.Value)
	case strings.HasPrefix(prefix, "-"):
		for _, flag := range c.flags() {
			// Settings are flags of every command, and many: they show where the help lists them, or once one is begun.
			if !flag.Hidden || c.node.Tag != nil && c.node.Tag.Has("settings") || len(prefix) > len("--") {
				all = append(all, [2]string{"--" + flag.Name, flag.Help})
			}
		}
	case c.arguments < len(c.node.Positional):
		all = values(c.node.Positional[c.arguments])
	default:
		for _, child := range c.node.Children {
			if !child.Hidden && c.arguments == 0 {
				all = append(all, [2]string{child.Name, child.Help})
			}
		}
	}
	prefix = strings.TrimPrefix(prefix, "=")
	return slices.DeleteFunc(all, func(candidate [2]string) bool { return !strings.HasPrefix(candidate[0], prefix) })
}

// values returns those that a flag or an argument can have, if they are few.
func values(v *kong.Value) [][2]string {
	if v.Enum == "" {
		return nil
	}
	var all [][2]string
	for _, value := range v.EnumSlice() {
		if value != "" {
			all = append(all, [2]string{value, ""})
		}
	}
	return all
}
