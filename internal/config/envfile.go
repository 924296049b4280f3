package config

import (
	"errors"
	"fmt"
	"strings"
)

// parseEnvFile reads lines NAME=value. A value may stand in single quotes, where every character means itself, or in
// double quotes, where \n, \", \\ and \$ do not. A # behind white space begins a comment; "export" before a name is
// skipped. Variables are not expanded: a $ that a shell or Docker Compose would expand is refused, so that a file means
// the same to all of them or nothing.
//
// No mistake repeats a part of the file, which may hold secrets. (The usual library for these files does, and expands a
// $ within a password.)
func parseEnvFile(name, text string) (map[string]string, Problems) {
	values := make(map[string]string)
	lines := make(map[string]int)
	var problems Problems
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		key, value, err := parseEnvLine(strings.TrimSpace(line))
		first, twice := lines[key]
		switch {
		case err != nil:
			problems = append(problems, Problem{name, fmt.Sprintf("line %d: %v", i+1, err)})
		case key == "":
		case twice:
			problems = append(problems, Problem{name, fmt.Sprintf("line %d: has the name of line %d", i+1, first)})
		default:
			values[key], lines[key] = value, i+1
		}
	}
	return values, problems
}

// parseEnvLine returns what a line without white space around it says; an empty key if nothing.
func parseEnvLine(line string) (key, value string, err error) {
	if line == "" || line[0] == '#' {
		return "", "", nil
	}
	if rest, ok := strings.CutPrefix(line, "export"); ok && strings.TrimLeft(rest, " \t") != rest {
		line = strings.TrimLeft(rest, " \t")
	}
	key, value, ok := strings.Cut(line, "=")
	key = strings.TrimRight(key, " \t")
	if !ok || !isEnvName(key) {
		return "", "", errors.New("must be NAME=value")
	}
	value, err = parseEnvValue(strings.TrimLeft(value, " \t"))
	if err != nil {
		return "", "", err
	}
	return key, value, nil
}

func isEnvName(s string) bool {
	for i, c := range []byte(s) {
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

var (
	errExpansion = errors.New("variables are not expanded: put a value that holds $ into single quotes")
	errQuotes    = errors.New("must end with the quote it begins with, behind which only a comment may stand")
)

func parseEnvValue(text string) (string, error) {
	switch {
	case strings.HasPrefix(text, "'"):
		value, rest, closed := strings.Cut(text[1:], "'")
		if !closed || !isEnvComment(rest) {
			return "", errQuotes
		}
		return value, nil
	case strings.HasPrefix(text, `"`):
		return parseDoubleQuoted(text[1:])
	}
	for i := range len(text) {
		if isExpansion(text[i:]) {
			return "", errExpansion
		}
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			text = text[:i]
			break
		}
	}
	return strings.TrimSpace(text), nil
}

// parseDoubleQuoted reads what stands behind the opening quote.
func parseDoubleQuoted(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			if !isEnvComment(text[i+1:]) {
				return "", errQuotes
			}
			return b.String(), nil
		case isExpansion(text[i:]):
			return "", errExpansion
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`n"\$`, text[i+1]) >= 0:
			i++
			if c = text[i]; c == 'n' {
				c = '\n'
			}
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return "", errQuotes
}

// isExpansion reports whether text begins with what a shell would replace.
func isExpansion(text string) bool {
	return len(text) > 1 && text[0] == '$' && (text[1] == '{' || text[1] == '(' || isEnvName(text[1:2]))
}

func isEnvComment(text string) bool {
	rest := strings.TrimLeft(text, " \t")
	return rest == "" || (rest != text && rest[0] == '#')
}
