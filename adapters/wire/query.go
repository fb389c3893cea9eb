package wire

import (
	"strconv"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/core/fault"
)

// Query reads query parameters the way Reader reads members: absent and empty are the same, a
// wrong value is recorded.
type Query struct {
	v    adapters.Values
	errs Faults
}

// QueryOf reads the parameters of a request.
func QueryOf(rq *adapters.Request) *Query { return &Query{v: rq.Query} }

// Err returns what was wrong so far.
func (q *Query) Err() error { return q.errs.Err() }

// Fail records that a parameter is wrong; see Faults.Add.
func (q *Query) Fail(name, detail string, reason *fault.Reason) { q.errs.Add("?"+name, detail, reason) }

// Text reads a text.
func (q *Query) Text(name string) string { return q.v.Get(name) }

// Need reads a text that must be there.
func (q *Query) Need(name string) string {
	s := q.v.Get(name)
	if s == "" {
		q.errs.Add("?"+name, "is a required field", fault.RequestMissingField)
	}
	return s
}

// Int reads a whole number between min and max.
func (q *Query) Int(name string, min, max int) int {
	s := q.v.Get(name)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		q.errs.Add("?"+name, "must be an integer", fault.RequestInvalidField)
		return 0
	}
	if n < min || n > max {
		q.errs.Add("?"+name, "must be between "+strconv.Itoa(min)+" and "+strconv.Itoa(max), fault.RequestInvalidField)
		return 0
	}
	return n
}

// Bool reads a boolean: true, false, 1 or 0 in any case of letters.
func (q *Query) Bool(name string) bool {
	s := q.v.Get(name)
	if s == "" {
		return false
	}
	b, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		q.errs.Add("?"+name, "must be a boolean", fault.RequestInvalidField)
	}
	return b
}

// Time reads an RFC 3339 instant.
func (q *Query) Time(name string) time.Time {
	s := q.v.Get(name)
	if s == "" {
		return time.Time{}
	}
	t, ok := ParseTime(s)
	if !ok {
		q.errs.Add("?"+name, "must be an RFC 3339 time", fault.RequestInvalidField)
	}
	return t
}

// Texts reads a list: comma separated, repeated, or a JSON list of texts. At most max items.
func (q *Query) Texts(name string, max int) []string {
	var out []string
	for _, s := range q.v.All(name) {
		if strings.HasPrefix(s, "[") {
			r, err := ParseText(`{"a":` + s + `}`)
			if err == nil {
				out = append(out, r.Texts("a", max)...)
				err = r.Err()
			}
			if err != nil {
				q.errs.Add("?"+name, "must be an array of strings", fault.RequestInvalidField)
			}
			continue
		}
		for p := range strings.SplitSeq(s, ",") {
			if p != "" {
				out = append(out, p)
			}
		}
	}
	if len(out) > max {
		q.errs.Add("?"+name, "must have at most "+strconv.Itoa(max)+" items", fault.RequestBatchTooLarge)
		return nil
	}
	return out
}

// Payload reads a parameter that holds a JSON object; absent counts as {}.
func (q *Query) Payload(name string) (Reader, error) { return ParseText(q.v.Get(name)) }
