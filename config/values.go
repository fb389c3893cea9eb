package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written with its unit: "5s", "1m30s". It is always above zero.
type Duration struct{ time.Duration }

// UnmarshalText reads Go's notation of durations.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it like \"500ms\", \"5s\" or \"2m\"", b)
	}
	if v <= 0 {
		return errors.New("a duration must be above zero")
	}
	d.Duration = v
	return nil
}

// MarshalText writes the shortest form: "20s", not "20.000s".
func (d Duration) MarshalText() ([]byte, error) {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return []byte(s), nil
}

// Size is a number of bytes, written with its unit: "512KiB", "1MiB". It is always above zero.
type Size struct{ Bytes int64 }

// sizeUnits are the units of Size, largest first.
var sizeUnits = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a whole number and a unit.
func (s *Size) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	for _, u := range sizeUnits {
		num, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(num), 10, 64)
		if err != nil {
			break
		}
		if n <= 0 {
			return errors.New("a size must be above zero")
		}
		if n > math.MaxInt64/u.size {
			return fmt.Errorf("%q is too large", text)
		}
		s.Bytes = n * u.size
		return nil
	}
	return fmt.Errorf("%q is not a size; write it like \"64KiB\" or \"1MiB\"", text)
}

// MarshalText writes the largest unit that divides the size.
func (s Size) MarshalText() ([]byte, error) {
	for _, u := range sizeUnits {
		if s.Bytes%u.size == 0 && s.Bytes >= u.size {
			return []byte(strconv.FormatInt(s.Bytes/u.size, 10) + u.name), nil
		}
	}
	return []byte("0B"), nil
}

// String is the written form.
func (s Size) String() string {
	b, _ := s.MarshalText()
	return string(b)
}
