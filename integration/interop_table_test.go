package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// The table of the shared room: interop/events.tsv. An event is a line of
//
//	operation	subject	title
//
// followed by indented lines, one for each dialect that hears of it, the first that fits the sender:
//
//	receiver	senders	callback	conditions	what is lost
//
// senders is "*", a list of dialects, or a list of those it is not for behind a "-". A callback of "-"
// says that nothing is told, and the last column why. A receiver "!dialect" says why that dialect
// cannot do it.
//
// The subject is what the operation is about: "own" is a message of the actor's, "same" the one before,
// "theirs" messages of everybody who listens, "each" everybody who listens, one after the other, "group"
// a group that the actor is not in, "room" an open room.
type crossing struct {
	op, subject, title string
	rows               []crossRow
	cannot             map[string]string // by dialect, why it cannot
}

// crossRow is what one dialect is told.
type crossRow struct {
	receiver, senders, callback string
	where                       []condition
	note                        string
}

// condition is one thing a callback has to say: of the value at a path of its arguments, that it is
// something, holds something, is there, or what it is to be remembered as.
type condition struct {
	path string
	op   byte // '=', '~', '?', '>'
	want string
}

// readCrossings reads the table.
func readCrossings(t *testing.T, file string) []*crossing {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []*crossing
	for i, line := range strings.Split(string(b), "\n") {
		f := strings.Split(line, "\t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case f[0] != "" && len(f) == 3:
			out = append(out, &crossing{op: f[0], subject: f[1], title: f[2], cannot: map[string]string{}})
		case f[0] == "" && len(f) == 6 && len(out) > 0:
			if d, ok := strings.CutPrefix(f[1], "!"); ok {
				out[len(out)-1].cannot[d] = f[5]
				continue
			}
			r := crossRow{receiver: f[1], senders: f[2], callback: f[3], note: f[5]}
			if r.where, err = conditions(f[4]); err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
			if r.callback == "-" && r.note == "" {
				t.Fatalf("%s:%d: nothing is told, and no word why", file, i+1)
			}
			out[len(out)-1].rows = append(out[len(out)-1].rows, r)
		default:
			t.Fatalf("%s:%d: %d columns", file, i+1, len(f))
		}
	}
	return out
}

// conditions reads the conditions of a cell.
func conditions(s string) ([]condition, error) {
	var out []condition
	for _, part := range strings.Split(s, "; ") {
		if part == "" {
			continue
		}
		i := strings.IndexAny(part, "=~?>")
		if i <= 0 {
			return nil, fmt.Errorf("%q is no condition", part)
		}
		out = append(out, condition{part[:i], part[i], part[i+1:]})
	}
	return out, nil
}

// row finds what a dialect is told of what another one did.
func (c *crossing) row(receiver, sender string) *crossRow {
	for i := range c.rows {
		r := &c.rows[i]
		if r.receiver == receiver && fits(r.senders, sender) {
			return r
		}
	}
	return nil
}

// fits reports whether a list of dialects is for this one.
func fits(list, dialect string) bool {
	if not, ok := strings.CutPrefix(list, "-"); ok {
		return !slices.Contains(strings.Split(not, ","), dialect)
	}
	return list == "*" || slices.Contains(strings.Split(list, ","), dialect)
}

// holds checks a condition on the arguments of a callback; fill puts the scene's names in.
func (c *condition) holds(args gjson.Result, fill *strings.Replacer) bool {
	v := args.Get(fill.Replace(c.path))
	want := fill.Replace(c.want)
	switch c.op {
	case '~':
		return strings.Contains(v.String(), want)
	case '?', '>':
		return v.Exists() && v.String() != ""
	}
	if json.Valid([]byte(want)) && strings.ContainsAny(want[:1], "{[") {
		return sameJSON(v.Raw, want) || sameJSON(v.String(), want)
	}
	return v.Exists() && v.String() == want
}

// sameJSON reports whether two texts are the same JSON value.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
