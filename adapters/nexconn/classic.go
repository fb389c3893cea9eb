package nexconn

import (
	"context"
	_ "embed"
	"net/url"
	"strings"
	"sync"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

//go:embed classic.tsv
var classicTSV string

// classicCall is one path of the classic API: the operation behind it, and how names and types of its
// request and its answer lie on those of v4.
//
// A request is written as "theirs>ours:type": a text unless the type says n (number), b (boolean), l
// (list: repeated members, commas, or JSON) or s (text, also when JSON comes as an object). "ours" may
// be a path. An answer is written as "ours>theirs:type", with the members of the items of a list in
// parentheses, "." for the item itself, j for JSON in a text, b for a boolean, and "list[key=value]"
// for an object that is made of a list. Where the names are the same one is enough.
type classicCall struct {
	path, op string
	request  []rename
	answer   []rename
}

// rename is one member of a request or an answer.
type rename struct {
	from, to string
	as       byte // 0 for as it is
	items    []rename
	key, val string // of an object made of a list
}

// classicCalls is the table, parsed once.
var classicCalls = sync.OnceValue(func() []classicCall {
	lines := strings.Split(strings.TrimRight(classicTSV, "\n"), "\n")
	out := make([]classicCall, 0, len(lines))
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) == 4 {
			out = append(out, classicCall{path: f[0], op: f[1], request: parseRenames(f[2], " "), answer: parseRenames(f[3], " ")})
		}
	}
	return out
})

// parseRenames reads a list of renames.
func parseRenames(s, sep string) []rename {
	var out []rename
	for s != "" {
		end := itemEnd(s, sep[0])
		one := s[:end]
		if s = s[end:]; s != "" {
			s = s[1:]
		}
		var r rename
		if i := strings.IndexByte(one, '('); i >= 0 {
			r.items = parseRenames(strings.TrimSuffix(one[i+1:], ")"), ",")
			one = one[:i]
		}
		if i := strings.IndexByte(one, '['); i >= 0 {
			r.key, r.val, _ = strings.Cut(strings.TrimSuffix(one[i+1:], "]"), "=")
			one = one[:i]
		}
		if i := strings.LastIndexByte(one, ':'); i >= 0 && i == len(one)-2 {
			r.as, one = one[i+1], one[:i]
		}
		var named bool
		if r.from, r.to, named = strings.Cut(one, ">"); !named {
			r.to = r.from
		}
		out = append(out, r)
	}
	return out
}

// itemEnd is where an item ends: at the separator outside of parentheses.
func itemEnd(s string, sep byte) int {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == sep && depth == 0:
			return i
		}
	}
	return len(s)
}

// classicRoutes are the classic paths.
func (d *Dialect) classicRoutes(ops []operation) []adapters.Route {
	byPath := map[string]operation{}
	for _, o := range append(ops, d.classicOps()...) {
		byPath[o.path] = o
	}
	var out []adapters.Route
	for _, c := range classicCalls() {
		o, ok := byPath[c.op]
		if !ok {
			continue // a test sees to it that there is none
		}
		out = append(out, adapters.Route{
			Method: "POST", Path: c.path, Gate: adapters.GateServer, Quota: 60 * o.rate,
			Name: "classic." + strings.ReplaceAll(strings.TrimSuffix(strings.Trim(c.path, "/"), ".json"), "/", "."),
			Doc:  "as v4 " + strings.TrimPrefix(o.path, "~"), Serve: d.classic(c, o),
		})
	}
	return out
}

// classic serves one classic path.
func (d *Dialect) classic(c classicCall, o operation) func(context.Context, core.Actor, *adapters.Request, *adapters.Response) error {
	ok := okV1
	if strings.HasPrefix(c.path, "/v2/") {
		ok = okV2
	}
	return func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
		body, err := c.decode(rq)
		if err != nil {
			return err
		}
		r, err := wire.Parse(body)
		if err != nil {
			return unreadable(err)
		}
		out, err := o.serve(ctx, by, &input{r, rq})
		if err != nil {
			return o.family.say(err)
		}
		result := wire.NewWriter(256)
		result.Open()
		if out != nil {
			out(result)
		}
		result.Close()
		w := wire.NewWriter(result.Len() + 16)
		w.Open()
		w.Int("code", ok)
		writeRenamed(w, gjson.ParseBytes(result.Bytes()), c.answer)
		w.Close()
		rs.Body = w.Bytes()
		return nil
	}
}

// classicBody is a request as its members, each with all of its values.
type classicBody struct {
	form url.Values
	json gjson.Result
}

// decode writes a classic request as one of v4. Some calls send JSON, most a form.
func (c *classicCall) decode(rq *adapters.Request) ([]byte, error) {
	var b classicBody
	if strings.HasPrefix(strings.TrimLeft(string(rq.Body), " \r\n\t"), "{") {
		r, err := wire.Parse(rq.Body)
		if err != nil {
			return nil, unreadable(err)
		}
		b.json = gjson.Parse(r.RawText())
	} else {
		form, err := url.ParseQuery(string(rq.Body))
		if err != nil {
			return nil, fault.RequestInvalid.Error("the body is neither a form nor JSON").With("http")
		}
		b.form = form
	}
	root := &node{}
	for _, r := range c.request {
		if raw, ok := b.value(r); ok {
			root.put(strings.Split(r.to, "."), raw)
		}
	}
	w := wire.NewWriter(len(rq.Body) + 128)
	root.write(w)
	return w.Bytes(), nil
}

// value is a member of the request as JSON of its type; ok is false where it is absent.
func (b *classicBody) value(r rename) ([]byte, bool) {
	var vals []string
	if b.form != nil {
		vals = b.form[r.from]
	} else {
		v := b.json.Get(r.from)
		switch {
		case !v.Exists() || v.Type == gjson.Null:
		case r.as == 0 || v.IsArray() && r.as == 'l':
			return []byte(v.Raw), true
		case v.Type == gjson.String:
			vals = []string{v.Str}
		default:
			vals = []string{v.Raw}
		}
	}
	if len(vals) == 0 || len(vals) == 1 && vals[0] == "" && r.as != 's' && r.as != 0 {
		return nil, false
	}
	return typed(vals, r.as), true
}

// typed writes the values of a member as JSON of a type. What is not of the type goes as a text, for
// the operation to refuse.
func typed(vals []string, as byte) []byte {
	s := vals[len(vals)-1]
	w := wire.NewWriter(len(s) + 16)
	switch {
	case as == 'l':
		w.OpenList()
		for _, v := range vals {
			if l := gjson.Parse(v); l.IsArray() && gjson.Valid(v) {
				for _, x := range l.Array() {
					w.Item(x.String())
				}
				continue
			}
			for p := range strings.SplitSeq(v, ",") {
				if p = strings.TrimSpace(p); p != "" {
					w.Item(p)
				}
			}
		}
		w.CloseList()
	case as == 'n' && gjson.Valid(s) && gjson.Parse(s).Type == gjson.Number:
		w.Value([]byte(s))
	case as == 'b' && (s == "true" || s == "1"):
		w.Value([]byte("true"))
	case as == 'b' && (s == "false" || s == "0"):
		w.Value([]byte("false"))
	default:
		w.Item(s)
	}
	return w.Bytes()
}

// node is an object, or a list of one item, that is put together member by member.
type node struct {
	names []string
	kids  map[string]*node
	raw   []byte
}

// put sets the value at a path, unless there is one.
func (n *node) put(path []string, raw []byte) {
	if len(path) == 0 {
		if n.raw == nil {
			n.raw = raw
		}
		return
	}
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	k := n.kids[path[0]]
	if k == nil {
		k = &node{}
		n.kids[path[0]], n.names = k, append(n.names, path[0])
	}
	k.put(path[1:], raw)
}

func (n *node) write(w *wire.Writer) {
	switch {
	case n.raw != nil:
		w.Value(n.raw)
	case len(n.names) == 1 && n.names[0] == "0":
		w.OpenList()
		n.kids["0"].write(w)
		w.CloseList()
	default:
		w.Open()
		for _, name := range n.names {
			w.KeyOf(name)
			n.kids[name].write(w)
		}
		w.Close()
	}
}

// writeRenamed writes members of an answer under their classic names.
func writeRenamed(w *wire.Writer, v gjson.Result, rs []rename) {
	for _, r := range rs {
		x := v
		if r.from != "." {
			x = v.Get(r.from)
		}
		if !x.Exists() {
			continue
		}
		w.Key(r.to)
		switch {
		case r.key != "":
			w.Open()
			for _, item := range x.Array() {
				w.KeyOf(item.Get(r.key).String())
				w.Value([]byte(item.Get(r.val).Raw))
			}
			w.Close()
		case r.items != nil:
			w.OpenList()
			for _, item := range x.Array() {
				w.Open()
				writeRenamed(w, item, r.items)
				w.Close()
			}
			w.CloseList()
		case r.as == 'j':
			w.Item(x.Raw)
		case r.as == 'b':
			if x.Bool() || x.Num != 0 {
				w.Value([]byte("true"))
			} else {
				w.Value([]byte("false"))
			}
		default:
			w.Value([]byte(x.Raw))
		}
	}
}
