package config

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// searchPath is where a file is looked for when neither flag nor environment name one.
var searchPath = []string{"config.toml", "/etc/dragoman/config.toml"}

// Find tells which file to load: the one the flag names, else the one DRAGOMAN_CONFIG names, else
// the first that exists of ./config.toml and /etc/dragoman/config.toml, else none.
func Find(flag string, environ []string) (path string, ok bool) {
	if flag != "" {
		return flag, true
	}
	if v, set := lookup(environ)(EnvConfig); set && v != "" {
		return v, true
	}
	for _, p := range searchPath {
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			return p, true
		}
	}
	return "", false
}

// Load reads a file, lays the environment over it, resolves the secrets and checks the result.
// The configuration may be used only when there are no issues.
func Load(path string, environ []string) (*Config, []Issue) {
	doc, err := os.ReadFile(path)
	if err != nil {
		return Default(), []Issue{{Message: "cannot read the file: " + err.Error()}}
	}
	return Parse(doc, environ)
}

// Parse is Load for a document in memory.
func Parse(doc []byte, environ []string) (*Config, []Issue) {
	c, issues := decode(doc)
	if len(issues) > 0 {
		return c, issues
	}
	at := indexLines(doc)
	issues = append(issues, c.overlay(environ)...)
	c.complete()
	issues = append(issues, c.resolveSecrets(lookup(environ), at)...)
	for _, is := range c.Validate() {
		if is.Line = at.line(is.Path); !reported(issues, is.Path) {
			issues = append(issues, is)
		}
	}
	return c, issues
}

// reported tells whether there is already an issue about the key.
func reported(issues []Issue, path string) bool {
	for i := range issues {
		if issues[i].Path == path {
			return true
		}
	}
	return false
}

// decode reads the document strictly over the defaults.
func decode(doc []byte) (*Config, []Issue) {
	c := Default()
	err := toml.NewDecoder(bytes.NewReader(doc)).DisallowUnknownFields().Decode(c)
	var missing *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case err == nil:
		return c, nil
	case errors.As(err, &missing):
		var out []Issue
		for i := range missing.Errors {
			out = append(out, unknown(&missing.Errors[i]))
		}
		return c, out
	case errors.As(err, &bad):
		line, _ := bad.Position()
		msg := strings.TrimPrefix(bad.Error(), "toml: ")
		return c, []Issue{{Path: strings.Join(bad.Key(), "."), Line: line, Message: msg}}
	}
	return c, []Issue{locate(doc, err)}
}

// locate finds the line of an error that the parser reports without one (a number where a text
// with a unit is wanted): it is the first line with which the document shows the same error.
func locate(doc []byte, err error) Issue {
	is := Issue{Message: strings.TrimPrefix(err.Error(), "toml: ")}
	for n := range bytes.Count(doc, []byte("\n")) + 1 {
		head := bytes.Join(bytes.SplitAfterN(doc, []byte("\n"), n+2)[:n+1], nil)
		if e := toml.Unmarshal(head, Default()); e == nil || e.Error() != err.Error() {
			continue
		}
		is.Line = n + 1
		for path, line := range indexLines(doc) {
			if line == is.Line {
				is.Path = path
			}
		}
		break
	}
	return is
}

// unknown words the issue of a key that does not exist.
func unknown(e *toml.DecodeError) Issue {
	key := e.Key()
	line, _ := e.Position()
	is := Issue{Path: strings.Join(key, "."), Line: line, Message: "unknown key"}
	for n := len(key) - 1; n >= 0; n-- {
		t, ok := tableOf(reflect.TypeFor[Config](), key[:n])
		if !ok {
			continue
		}
		if near := suggest(key[n], names(t)); near != "" {
			is.Hint = "did you mean " + near + "?"
		} else {
			is.Hint = "known here: " + strings.Join(names(t), ", ")
		}
		break
	}
	return is
}

// lookup is os.LookupEnv over a list of name=value; the last value of a name counts.
func lookup(environ []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := len(environ) - 1; i >= 0; i-- {
			if k, v, _ := strings.Cut(environ[i], "="); k == name {
				return v, true
			}
		}
		return "", false
	}
}
