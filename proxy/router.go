package proxy

import (
	"fmt"
	"slices"
	"strings"
)

// maxParams bounds the parameters of one route, and so the work of a match.
const maxParams = 12

// trie finds the target of a method and a path. In each segment a literal beats a parameter, and a
// rest ("*name") comes last. It is built at start and only read afterwards.
type trie[T any] struct {
	root  node[T]
	names map[string]string // route name → "METHOD path", to find duplicates
}

// node is one segment of the table.
type node[T any] struct {
	literal map[string]*node[T]
	param   *node[T]
	ends    []leaf[T] // routes that end here
	rest    []leaf[T] // routes that end here with a rest
}

// leaf is one route.
type leaf[T any] struct {
	method string
	params []string
	value  *T
}

// found is the outcome of a look-up.
type found[T any] struct {
	leaf   *leaf[T]
	values [maxParams]string // raw, in order of the leaf's names
	allow  []string          // methods of the path when leaf is nil
}

// add enters a route. The path starts with a slash.
func (t *trie[T]) add(method, path, name string, value *T) error {
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("route %s: path %q does not start with a slash", name, path)
	}
	if t.names == nil {
		t.names = map[string]string{}
	}
	if at, dup := t.names[name]; dup {
		return fmt.Errorf("route %s: both %s and %s %s", name, at, method, path)
	}
	t.names[name] = method + " " + path
	n, params := &t.root, []string(nil)
	ends := &n.ends
	for rest, more := path[1:], true; more; {
		var seg string
		seg, rest, more = strings.Cut(rest, "/")
		switch {
		case strings.HasPrefix(seg, "*"):
			if more {
				return fmt.Errorf("route %s: %q: a rest must come last", name, path)
			}
			params = append(params, seg[1:])
			ends = &n.rest
			continue
		case strings.HasPrefix(seg, ":"):
			params = append(params, seg[1:])
			if n.param == nil {
				n.param = &node[T]{}
			}
			n = n.param
		default:
			if n.literal == nil {
				n.literal = map[string]*node[T]{}
			}
			if n.literal[seg] == nil {
				n.literal[seg] = &node[T]{}
			}
			n = n.literal[seg]
		}
		ends = &n.ends
	}
	if len(params) > maxParams {
		return fmt.Errorf("route %s: more than %d parameters", name, maxParams)
	}
	for _, l := range *ends {
		if l.method == method {
			return fmt.Errorf("route %s: %s %s is taken already", name, method, path)
		}
	}
	*ends = append(*ends, leaf[T]{method, params, value})
	return nil
}

// find looks a raw path up. A HEAD without a route of its own takes the GET's.
func (t *trie[T]) find(method, path string, f *found[T]) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	f.leaf, f.allow = nil, nil
	if t.root.walk(path[1:], true, method, 0, f) {
		return true
	}
	if method == "HEAD" && t.root.walk(path[1:], true, "GET", 0, f) {
		return true
	}
	slices.Sort(f.allow)
	f.allow = slices.Compact(f.allow)
	return false
}

// walk tries literal, parameter and rest in this order and backtracks, so that a literal that leads
// nowhere hides nothing. Depth counts the parameters taken.
func (n *node[T]) walk(path string, more bool, method string, depth int, f *found[T]) bool {
	if !more {
		return f.take(n.ends, method)
	}
	seg, rest, more := strings.Cut(path, "/")
	if l := n.literal[seg]; l != nil && l.walk(rest, more, method, depth, f) {
		return true
	}
	if n.param != nil && seg != "" && depth < maxParams {
		f.values[depth] = seg
		if n.param.walk(rest, more, method, depth+1, f) {
			return true
		}
	}
	if len(n.rest) > 0 && depth < maxParams {
		f.values[depth] = path
		return f.take(n.rest, method)
	}
	return false
}

// take picks the route of the method, or notes what is there.
func (f *found[T]) take(ends []leaf[T], method string) bool {
	for i := range ends {
		if ends[i].method == method {
			f.leaf = &ends[i]
			return true
		}
	}
	for i := range ends {
		f.allow = append(f.allow, ends[i].method)
	}
	return false
}
