// Package config owns the settings: their names, defaults, meaning and limits, in one table (settings.go), and the rules
// between them (check.go). It is the only place that reads the environment.
//
// [Load] collects every mistake before it answers, and no mistake repeats a secret. A [Config] that Load returned
// without an error may be used as it is: nobody else checks a setting again.
//
// The package does not act on settings: internal/app does, cmd/a64core turns them into flags and prints them.
package config
