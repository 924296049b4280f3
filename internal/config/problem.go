package config

import "strings"

// Problem is one mistake in the settings.
type Problem struct {
	Name    string `json:"name"` // the setting, or the .env file
	Message string `json:"message"`
}

// String returns "NAME: message".
func (p Problem) String() string { return p.Name + ": " + p.Message }

// Problems is every mistake found, in the order of the table. No message repeats the value of a secret setting.
type Problems []Problem

// Error returns one line a problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
