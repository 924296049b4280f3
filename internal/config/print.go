package config

import (
	"slices"
	"strings"
)

// hidden stands for the value of a secret that is set.
const hidden = "[set]"

// Value is a setting as it was read, fit to be shown.
type Value struct {
	Name    string `json:"name"`
	Value   string `json:"value"`  // "[set]" for a secret
	Source  string `json:"source"` // "default", "environment", the file or the flag
	Default string `json:"default"`
}

func (v Value) redacted(s Setting) Value {
	if s.IsSecret() && v.Value != "" {
		v.Value = hidden
	}
	return v
}

// Redacted returns the settings with their values and where those came from, without secrets.
func (c *Config) Redacted() []Value { return slices.Clone(c.values) }

// EnvExample returns the text of .env.example: every setting with its meaning and default, commented out.
func EnvExample() string {
	var b strings.Builder
	b.WriteString(`# Settings of the A64 Core Platform API Hub, with their defaults.
#
# Copy this file to .env in the working directory and uncomment what you change. A variable of the environment beats
# this file, and a flag (--log-level for LOG_LEVEL) beats both. An empty value asks for the default. Durations are
# written like 90s, 15m or 24h. Put a value that holds $ or # into single quotes.
# See what is in force, and find mistakes, with: a64core config print; a64core config check
`)
	var group string
	for _, s := range Settings() {
		if s.Group != group {
			group = s.Group
			b.WriteString("\n\n# === " + group + " ===\n")
		}
		value := s.Default
		if strings.Contains(value, " ") {
			value = "'" + value + "'"
		}
		b.WriteString("\n# " + s.Help + "\n# " + s.Name + "=" + value + "\n")
	}
	return b.String()
}
