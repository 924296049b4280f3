package config

import (
	"maps"
	"slices"
	"strings"
)

// misspellings warns of names in the file that are no setting's but nearly so. Others may belong to other programs.
func misspellings(file string, values map[string]string) Problems {
	settings := table(&Config{})
	var warnings Problems
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.ContainsFunc(settings, func(s Setting) bool { return s.Name == name }) {
			continue
		}
		nearest, distance := "", 3
		for _, s := range settings {
			if d := editDistance(strings.ToUpper(name), s.Name); d < distance && d <= len(s.Name)/4 {
				nearest, distance = s.Name, d
			}
		}
		if nearest != "" {
			warnings = append(warnings, Problem{file, name + " is no setting; maybe " + nearest + " is meant"})
		}
	}
	return warnings
}

// editDistance returns how many bytes must be inserted, removed or replaced to make b of a (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
