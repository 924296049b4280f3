package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// DefaultEnvFile is the file that settings are read from if nobody names another. It need not exist.
const DefaultEnvFile = ".env"

// Source is where settings come from. A flag beats the environment, which beats the file; an empty value, wherever it
// stands, asks for the default.
type Source struct {
	Flags   map[string]string           // by the setting's name, those given
	Lookup  func(string) (string, bool) // the environment: os.LookupEnv; nil: none
	EnvFile string                      // path; empty: none
}

// Load reads and checks all settings. The error, if any, is of type [Problems] and tells every mistake at once; the
// Config then holds what was right.
func Load(src Source) (Config, error) {
	file, problems := src.readEnvFile()
	c := Config{AWSRole: src.awsRole(), warnings: misspellings(src.EnvFile, file)}
	check := checker{problems: problems, bad: make(map[string]bool)}
	for _, s := range table(&c) {
		v := src.value(s, file)
		v.Default = c.derivedDefault(s)
		if v.Value == "" {
			v.Value, v.Source = v.Default, "default"
		}
		if v.Value != "" {
			if err := s.kind.set(v.Value); err != nil {
				check.add(s.Name, describe(s, v.Value, err))
			}
		}
		c.values = append(c.values, v.redacted(s))
	}
	check.rules(&c)
	if len(check.problems) > 0 {
		return c, check.problems
	}
	return c, nil
}

// describe makes a mistake's text, with the value unless that is secret.
func describe(s Setting, value string, err error) string {
	const longest = 80
	switch {
	case s.IsSecret():
		return err.Error()
	case len(value) > longest:
		return fmt.Sprintf("%v, not %q...", err, value[:longest])
	default:
		return fmt.Sprintf("%v, not %q", err, value)
	}
}

// value returns the text of a setting from the source of the highest rank that names it.
func (src Source) value(s Setting, file map[string]string) Value {
	v := Value{Name: s.Name}
	if flag, ok := src.Flags[s.Name]; ok {
		v.Value, v.Source = flag, "--"+s.Flag()
	} else if env, ok := src.lookup(s.Name); ok {
		v.Value, v.Source = env, "environment"
	} else if line, ok := file[s.Name]; ok {
		v.Value, v.Source = line, src.EnvFile
	}
	if !s.IsSecret() {
		v.Value = strings.TrimSpace(v.Value)
	}
	return v
}

func (src Source) lookup(name string) (string, bool) {
	if src.Lookup == nil {
		return "", false
	}
	return src.Lookup(name)
}

func (src Source) readEnvFile() (map[string]string, Problems) {
	if src.EnvFile == "" {
		return nil, nil
	}
	data, err := os.ReadFile(src.EnvFile)
	if errors.Is(err, fs.ErrNotExist) && src.EnvFile == DefaultEnvFile {
		return nil, nil
	}
	if err != nil {
		return nil, Problems{{Name: src.EnvFile, Message: "cannot be read: " + reason(err)}}
	}
	return parseEnvFile(src.EnvFile, string(data))
}

// reason returns an error of the file system without the path, which the reader of the mistake knows.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
