package config

import (
	"encoding"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// EnvPrefix begins every variable the program reads. A double underscore goes one level down:
// DRAGOMAN_STORE__DSN is dsn in the table store, DRAGOMAN_APP__ACME__STREAM__API_SECRET is
// api_secret in the table stream of the app named acme.
const EnvPrefix = "DRAGOMAN_"

// EnvConfig names the file to read when no flag does.
const EnvConfig = EnvPrefix + "CONFIG"

// overlay sets what the environment names. Unknown variables with our prefix are issues: a typing
// mistake must not be taken for a setting.
func (c *Config) overlay(environ []string) []Issue {
	var out []Issue
	vars := append([]string(nil), environ...)
	sort.Strings(vars)
	for _, kv := range vars {
		name, value, _ := strings.Cut(kv, "=")
		rest, ok := strings.CutPrefix(name, EnvPrefix)
		if !ok || name == EnvConfig {
			continue
		}
		v, f, hint := c.find(strings.Split(strings.ToLower(rest), "__"))
		if !v.IsValid() {
			out = append(out, Issue{Path: name, Message: "no such setting", Hint: hint})
			continue
		}
		if err := set(v, f, value); err != nil {
			out = append(out, Issue{Path: name, Message: err.Error()})
		}
	}
	return out
}

// find walks from the root to the value that the parts of a variable's name lead to.
func (c *Config) find(parts []string) (reflect.Value, reflect.StructField, string) {
	none, v := reflect.StructField{}, reflect.ValueOf(c).Elem()
	for i := 0; i < len(parts); i++ {
		f, ok := fieldOf(v.Type(), parts[i])
		if !ok {
			if near := suggest(parts[i], names(v.Type())); near != "" {
				parts[i] = near
				return reflect.Value{}, none, "did you mean " + EnvPrefix + strings.ToUpper(strings.Join(parts, "__")) + "?"
			}
			return reflect.Value{}, none, "\"dragoman config env\" lists the settings"
		}
		v = v.FieldByIndex(f.Index)
		switch {
		case leaf(f.Type) && i == len(parts)-1:
			return v, f, ""
		case leaf(f.Type):
			return reflect.Value{}, none, parts[i] + " is a value, not a table"
		case tables(f.Type):
			if i++; i >= len(parts) {
				return reflect.Value{}, none, "name the app: " + EnvPrefix + "APP__NAME__…"
			}
			at := c.appByEnv(parts[i])
			if at < 0 {
				return reflect.Value{}, none, "the file has no app of that name"
			}
			v = v.Index(at)
		}
	}
	return reflect.Value{}, none, "that is a table, not a value"
}

// appByEnv finds an app by its name as a variable spells it: lower case, - as _.
func (c *Config) appByEnv(name string) int {
	for i := range c.Apps {
		if envName(c.Apps[i].Name) == name {
			return i
		}
	}
	return -1
}

// envName is an app's name as a part of a variable, in lower case.
func envName(app string) string { return strings.ReplaceAll(strings.ToLower(app), "-", "_") }

// set reads a text into a value of the configuration.
func set(v reflect.Value, f reflect.StructField, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(int64(n))
	case reflect.Slice:
		var list []string
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		return fmt.Errorf("%s cannot be set from the environment", f.Tag.Get("toml"))
	}
	return nil
}
