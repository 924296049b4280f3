package config

import "slices"

// unavailable lists the settings that the table knows and no part of the program heeds. Setting one is a mistake, lest
// somebody believe in it. An entry goes when its part comes.
func unavailable() []string {
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT"}
}

func isUnavailable(name string) bool { return slices.Contains(unavailable(), name) }
