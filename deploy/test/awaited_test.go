package test

import (
	"maps"
	"strings"
)

// awaited are the settings that the files beside this folder give already and that the program learns in the same release. This
// file goes when it has.
func awaited() []string { return []string{"METRICS_ADDR", "SHUTDOWN_DELAY"} }

// withoutAwaited returns the settings without those.
func (s settings) withoutAwaited() settings {
	s = maps.Clone(s)
	for _, name := range awaited() {
		delete(s, name)
	}
	return s
}

// isAwaited reports whether a mounted file comes in the same release.
func isAwaited(path string) bool {
	return strings.Contains(path, "/deploy/nginx/") || strings.Contains(path, "/deploy/prometheus/") || strings.Contains(path, "/deploy/grafana/")
}
