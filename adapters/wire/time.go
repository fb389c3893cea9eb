package wire

import (
	"time"

	"github.com/tidwall/gjson"
)

// AppendTime appends t as RFC 3339 in UTC with as many fraction digits as it has, at most nine.
func AppendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, time.RFC3339Nano) }

// ParseTime reads an RFC 3339 instant. Years beyond 9999 and other notations are refused.
func ParseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t.UTC(), true
}

// TimeOf reads an instant from a JSON value: a string as above. Null and absent are the zero time.
func TimeOf(v gjson.Result) (time.Time, bool) {
	switch v.Type {
	case gjson.Null:
		return time.Time{}, true
	case gjson.String:
		return ParseTime(v.Str)
	}
	return time.Time{}, false
}
