package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"
)

// redacted is what a secret prints as.
const redacted = "[redacted]"

// maxSecret bounds the file behind a file: secret, in bytes. A larger file is a mistake.
const maxSecret = 64 << 10

// Secret is a text that must not be seen: it prints as [redacted] in every notation. In a file it
// is the text itself, env:NAME or file:PATH; loading replaces the last two by what they point at.
type Secret string

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText hides the text from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText keeps the text as written.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = Secret(b)
	return nil
}

// resolve replaces a pointer to a secret by the secret.
func (s *Secret) resolve(getenv func(string) (string, bool)) error {
	if name, ok := strings.CutPrefix(string(*s), "env:"); ok {
		v, set := getenv(name)
		if !set || v == "" {
			return fmt.Errorf("the environment variable %s is not set", name)
		}
		*s = Secret(v)
		return nil
	}
	if path, ok := strings.CutPrefix(string(*s), "file:"); ok {
		st, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("cannot read the secret's file: %w", err)
		}
		if !st.Mode().IsRegular() { // a device or a pipe may never end
			return fmt.Errorf("the secret's file %s is not a regular file", path)
		}
		if st.Size() > maxSecret {
			return fmt.Errorf("the secret's file %s is larger than %d bytes", path, maxSecret)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot read the secret's file: %w", err)
		}
		v := strings.TrimRight(string(b), "\r\n")
		if v == "" {
			return fmt.Errorf("the secret's file %s is empty", path)
		}
		*s = Secret(v)
	}
	return nil
}

// resolveSecrets resolves every secret of the configuration.
func (c *Config) resolveSecrets(getenv func(string) (string, bool), at lines) []Issue {
	var out []Issue
	walk(reflect.ValueOf(c).Elem(), "", func(path string, _ reflect.StructField, v reflect.Value) {
		s, ok := v.Addr().Interface().(*Secret)
		if !ok {
			return
		}
		if err := s.resolve(getenv); err != nil {
			out = append(out, Issue{Path: path, Line: at.line(path), Message: err.Error(), Hint: "secrets are written as the text itself, env:NAME or file:PATH"})
			*s = ""
		}
	})
	return out
}
