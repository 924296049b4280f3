package config

import (
	"slices"
	"strconv"
	"strings"
)

// unavailable lists what the table knows and no part of the program does. Setting it is a mistake, lest somebody believe
// in it: of a setting that maps to nil any value, else the values named. An entry goes when its part comes.
func unavailable() map[string][]string {
	return map[string][]string{
		"METRICS_ADDR":                nil,
		"OTEL_EXPORTER_OTLP_ENDPOINT": nil,
	}
}

// isUnavailable reports whether the setting as a whole is.
func isUnavailable(name string) bool {
	values, listed := unavailable()[name]
	return listed && values == nil
}

// refusal returns why the setting may not have this value yet, if it may not.
func refusal(s Setting, value string) (message string, refused bool) {
	values, listed := unavailable()[s.Name]
	switch value = strings.ToLower(value); {
	case listed && values == nil:
		return "is not available in this version; remove it", true
	case slices.Contains(values, value):
		rest := slices.DeleteFunc(slices.Clone(s.kind.choices), func(c string) bool { return slices.Contains(values, c) })
		return strconv.Quote(value) + " is not available in this version; use " + strings.Join(rest, " or "), true
	}
	return "", false
}
