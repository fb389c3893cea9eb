package diff

import (
	"fmt"
	"strings"
	"time"
)

// Any is the operation of rules that hold for all.
const Any = "*"

// maxSkew bounds how far two times may be apart and still count as one, for rules of the kind near.
const maxSkew = time.Minute

// rule is one path and what holds there.
type rule struct {
	path []string
	kind string
	arg  string
	skew time.Duration
}

// Rules are what holds for one operation. The zero value compares everything exactly.
type Rules struct{ list []rule }

// Table holds the rules of one dialect by operation.
type Table struct {
	any []rule
	ops map[string][]rule
	// alone names operations whose answers cannot be compared, with the reason.
	alone map[string]string
	reads map[string]bool // operations that change nothing although their method is not GET
}

// Parse reads a table: a header, then lines of operation (or * for all), path, rule and argument,
// separated by tabs. A path is made of member names joined by dots; * stands for one member or list
// entry, ** for any number of them. The rules:
//
//	ignore              what is there does not matter, nor whether anything is
//	only                with one such row or more, nothing else of the operation is compared
//	unordered  member   the list is a set, its entries known by the member (a path; empty: by all they hold)
//	near       10s      times that are not further apart are the same; at most a minute
//	optional            null, an empty text, list or object and absence are the same
//	alone      reason   the operation is not compared at all; the path is empty
//	read                the operation changes nothing, whatever its method; the path is empty
func Parse(name string, tsv string) (*Table, error) {
	t := &Table{ops: map[string][]rule{}, alone: map[string]string{}, reads: map[string]bool{}}
	for i, line := range strings.Split(strings.TrimRight(tsv, "\n"), "\n") {
		if i == 0 || line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s:%d: %d columns, not 4", name, i+1, len(f))
		}
		r := rule{path: strings.Split(f[1], "."), kind: f[2], arg: f[3]}
		switch {
		case f[0] == "":
			return nil, fmt.Errorf("%s:%d: no operation", name, i+1)
		case r.kind == "alone":
			if f[0] == Any || f[1] != "" || r.arg == "" {
				return nil, fmt.Errorf("%s:%d: alone takes an operation, no path and a reason", name, i+1)
			}
			t.alone[f[0]] = r.arg
			continue
		case r.kind == "read" && f[0] != Any && f[1] == "":
			t.reads[f[0]] = true
			continue
		case f[1] == "":
			return nil, fmt.Errorf("%s:%d: no path", name, i+1)
		case r.kind == "near":
			var err error
			if r.skew, err = time.ParseDuration(r.arg); err != nil || r.skew <= 0 || r.skew > maxSkew {
				return nil, fmt.Errorf("%s:%d: near takes a duration of at most %s", name, i+1, maxSkew)
			}
		case r.kind != "ignore" && r.kind != "only" && r.kind != "unordered" && r.kind != "optional":
			return nil, fmt.Errorf("%s:%d: there is no rule %q", name, i+1, r.kind)
		}
		if f[0] == Any {
			t.any = append(t.any, r)
		} else {
			t.ops[f[0]] = append(t.ops[f[0]], r)
		}
	}
	return t, nil
}

// Rules returns what holds for an operation. A nil table has no rules.
func (t *Table) Rules(op string) *Rules {
	if t == nil {
		return &Rules{}
	}
	own := t.ops[op]
	return &Rules{list: append(own[:len(own):len(own)], t.any...)}
}

// Alone tells why answers of an operation cannot be compared; empty when they can.
func (t *Table) Alone(op string) string {
	if t == nil {
		return ""
	}
	return t.alone[op]
}

// Reads reports whether an operation changes nothing although its method lets one think so.
func (t *Table) Reads(op string) bool { return t != nil && t.reads[op] }

// Operations lists the operations that the table names, for tests of the table.
func (t *Table) Operations() []string {
	var out []string
	for op := range t.ops {
		out = append(out, op)
	}
	for op := range t.alone {
		out = append(out, op)
	}
	for op := range t.reads {
		out = append(out, op)
	}
	return out
}

// find returns the first rule of a kind for a path.
func (r *Rules) find(kind string, path []string) (rule, bool) {
	for _, x := range r.list {
		if x.kind == kind && matches(x.path, path) {
			return x, true
		}
	}
	return rule{}, false
}

// chosen reports whether a path is to be compared where only some are.
func (r *Rules) chosen(path []string) bool {
	some := false
	for _, x := range r.list {
		if x.kind != "only" {
			continue
		}
		if some = true; reaches(x.path, path) {
			return true
		}
	}
	return !some
}

// matches compares a pattern to a path.
func matches(pattern, path []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := 0; i <= len(path); i++ {
				if matches(pattern[1:], path[i:]) {
					return true
				}
			}
			return false
		}
		if len(path) == 0 || pattern[0] != "*" && pattern[0] != path[0] {
			return false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return len(path) == 0
}

// reaches reports whether the path lies on the way to the pattern, or at or below it.
func reaches(pattern, path []string) bool {
	for len(pattern) > 0 && len(path) > 0 {
		if pattern[0] == "**" {
			return true
		}
		if pattern[0] != "*" && pattern[0] != path[0] {
			return false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return true
}
