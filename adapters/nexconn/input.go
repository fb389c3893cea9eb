package nexconn

import (
	"math"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of what a call may name.
const (
	maxUserID    = 64   // bytes
	maxChannelID = 64   // bytes
	maxKind      = 32   // characters of a message type
	maxIDs       = 1000 // people named at once, where nothing tighter is published
)

// userID reads the id of a person that must be there.
func (in *input) userID(name string) core.UserID { return core.UserID(in.id(name, maxUserID)) }

// channelID reads the id of a channel that must be there.
func (in *input) channelID(name string) string { return in.id(name, maxChannelID) }

func (in *input) id(name string, max int) string {
	s := in.Need(name)
	if len(s) > max {
		in.Fail(name, "must be at most "+strconv.Itoa(max)+" bytes", fault.RequestFieldTooLong)
	}
	return s
}

// userIDs reads a list of people that must not be empty, each once.
func (in *input) userIDs(name string, max int) []core.UserID {
	ids := in.optUserIDs(name, max)
	if len(ids) == 0 && in.Err() == nil {
		in.Fail(name, "is a required field", fault.RequestMissingField)
	}
	return ids
}

// optUserIDs reads a list of people that may be empty.
func (in *input) optUserIDs(name string, max int) []core.UserID {
	return idList[core.UserID](in, name, max)
}

// channelIDs reads a list of channels that must not be empty, each once.
func (in *input) channelIDs(name string, max int) []string {
	ids := idList[string](in, name, max)
	if len(ids) == 0 && in.Err() == nil {
		in.Fail(name, "is a required field", fault.RequestMissingField)
	}
	return ids
}

func idList[S ~string](in *input, name string, max int) []S {
	var out []S
	seen := map[string]bool{}
	in.Each(name, max, func(_ int, v gjson.Result) {
		switch {
		case v.Type != gjson.String || v.Str == "":
			in.Fail(name, "must be a list of ids", fault.RequestInvalidField)
		case len(v.Str) > maxUserID:
			in.Fail(name, "has an id of more than 64 bytes", fault.RequestFieldTooLong)
		case !seen[v.Str]:
			seen[v.Str] = true
			out = append(out, S(v.Str))
		}
	})
	return out
}

// flag reads a switch that the vendor documents as a boolean in some calls and as 0 or 1 in others:
// both are taken everywhere. Absent answers the default.
func (in *input) flag(name string, def bool) bool {
	v, ok := in.Look(name)
	switch {
	case !ok:
		return def
	case v.IsBool():
		return v.Bool()
	case v.Type == gjson.Number && (v.Num == 0 || v.Num == 1):
		return v.Num == 1
	case v.Type == gjson.String && (v.Str == "0" || v.Str == "1" || v.Str == "true" || v.Str == "false"):
		return v.Str == "1" || v.Str == "true"
	}
	in.Fail(name, "must be a boolean, or 0 or 1", fault.RequestInvalidField)
	return def
}

// needFlag reads a switch that must be there.
func (in *input) needFlag(name string) bool {
	if _, ok := in.Look(name); !ok {
		in.Fail(name, "is a required field", fault.RequestMissingField)
	}
	return in.flag(name, false)
}

// number reads a whole number, also one that comes as a text. Absent answers the default.
func (in *input) number(name string, def, min, max int64) int64 {
	v, ok := in.Look(name)
	if !ok {
		return def
	}
	n, err := int64(0), error(nil)
	switch v.Type {
	case gjson.Number:
		if v.Num != math.Trunc(v.Num) || math.Abs(v.Num) > 1<<53 {
			err = strconv.ErrSyntax
		}
		n = int64(v.Num)
	case gjson.String:
		n, err = strconv.ParseInt(v.Str, 10, 64)
	default:
		err = strconv.ErrSyntax
	}
	switch {
	case err != nil:
		in.Fail(name, "must be an integer", fault.RequestInvalidField)
		return def
	case n < min || n > max:
		in.Fail(name, "must be between "+strconv.FormatInt(min, 10)+" and "+strconv.FormatInt(max, 10), fault.RequestInvalidField)
		return def
	}
	return n
}

// needNumber reads a whole number that must be there.
func (in *input) needNumber(name string, min, max int64) int64 {
	if _, ok := in.Look(name); !ok {
		in.Fail(name, "is a required field", fault.RequestMissingField)
		return 0
	}
	return in.number(name, 0, min, max)
}

// millis reads an instant in milliseconds, as a number or a text; the zero time where it is absent.
func (in *input) millis(name string) time.Time {
	n := in.number(name, 0, 0, 1<<52)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// texts reads an object of texts; a value that is no text is refused.
func (in *input) texts(name string, max int, reason *fault.Reason) map[string]string {
	o, ok := in.Object(name)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for _, f := range o.Fields() {
		if f.Value.Type != gjson.String {
			in.Fail(name, "must be an object of texts", fault.RequestInvalidField)
			return nil
		}
		out[f.Name] = f.Value.Str
	}
	if len(out) > max {
		in.Fail(name, "must have at most "+strconv.Itoa(max)+" entries", reason)
	}
	return out
}

// page is a part of a list: by number from 1, of a size.
type page struct{ number, size int }

// pageOf reads page and pageSize.
func (in *input) pageOf(def, max int) page {
	return page{int(in.number("page", 1, 1, 1<<20)), int(in.number("pageSize", int64(def), 1, int64(max)))}
}

// cutPage is the part of a list.
func cutPage[T any](all []T, p page) []T {
	from := min((p.number-1)*p.size, len(all))
	return all[from:min(from+p.size, len(all))]
}
