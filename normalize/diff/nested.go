package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// entry is one member or list entry on its way to be compared.
type entry struct {
	name  string
	value gjson.Result
}

// members reads an object; of two members of one name the last counts, as in every decoder.
func members(v gjson.Result) ([]entry, map[string]gjson.Result) {
	var order []entry
	by := map[string]gjson.Result{}
	v.ForEach(func(k, x gjson.Result) bool {
		if _, twice := by[k.Str]; !twice {
			order = append(order, entry{name: k.Str})
		}
		by[k.Str] = x
		return true
	})
	for i := range order {
		order[i].value = by[order[i].name]
	}
	return order, by
}

// at runs f with one more step on the path.
func (c *comparison) at(step string, f func()) {
	c.path = append(c.path, step)
	f()
	c.path = c.path[:len(c.path)-1]
}

// lone notes a value that one side alone has, unless the rules do not mind.
func (c *comparison) lone(step string, v gjson.Result, k Kind) {
	c.at(step, func() {
		if _, ok := c.rules.find("ignore", c.path); ok || !c.rules.chosen(c.path) || c.absent(v) {
			return
		}
		if k == Missing {
			c.differ(k, Shown(v), "")
		} else {
			c.differ(k, "", Shown(v))
		}
	})
}

// object compares two objects member by member.
func (c *comparison) object(a, b gjson.Result) {
	as, amap := members(a)
	bs, bmap := members(b)
	for _, m := range as {
		if other, ok := bmap[m.name]; ok {
			c.at(m.name, func() { c.value(m.value, other) })
		} else {
			c.lone(m.name, m.value, Missing)
		}
	}
	for _, m := range bs {
		if _, ok := amap[m.name]; !ok {
			c.lone(m.name, m.value, Extra)
		}
	}
}

// list compares two lists. Entries that carry a name (their id, or what the rules say) are matched by
// it, so that one that is missing or stands elsewhere is told as that and not as a row of others.
func (c *comparison) list(a, b []gjson.Result) {
	r, loose := c.rules.find("unordered", c.path)
	key := r.arg
	if !loose {
		key = "id"
	}
	an, aok := names(a, key, loose && key == "")
	bn, bok := names(b, key, loose && key == "")
	if !aok || !bok {
		if loose { // entries without the member: by all they hold
			an, _ = names(a, "", true)
			bn, _ = names(b, "", true)
		} else {
			c.inOrder(a, b)
			return
		}
	}
	where := map[string]int{}
	for i, n := range bn {
		where[n] = i
	}
	last, moved := -1, false
	seen := map[int]bool{}
	for i, n := range an {
		j, ok := where[n]
		if !ok {
			if j, ok = c.matching(n, bn); !ok {
				c.lone(strconv.Itoa(i), a[i], Missing)
				continue
			}
		}
		seen[j] = true
		moved = moved || j < last
		last = max(last, j)
		c.at(strconv.Itoa(i), func() { c.value(a[i], b[j]) })
	}
	for j := range b {
		if !seen[j] {
			c.lone(strconv.Itoa(j), b[j], Extra)
		}
	}
	if moved && !loose {
		c.differ(Order, strconv.Itoa(len(a))+" entries", strconv.Itoa(len(b))+" entries")
	}
}

// matching finds an entry under another name of the same thing.
func (c *comparison) matching(n string, others []string) (int, bool) {
	if c.same == nil {
		return 0, false
	}
	base, _, _ := strings.Cut(n, "\x00")
	i := slices.IndexFunc(others, func(o string) bool {
		o, _, _ = strings.Cut(o, "\x00")
		return c.same(base, o)
	})
	return i, i >= 0
}

// inOrder compares lists entry by entry.
func (c *comparison) inOrder(a, b []gjson.Result) {
	for i := range min(len(a), len(b)) {
		c.at(strconv.Itoa(i), func() { c.value(a[i], b[i]) })
	}
	for i := len(b); i < len(a); i++ {
		c.lone(strconv.Itoa(i), a[i], Missing)
	}
	for i := len(a); i < len(b); i++ {
		c.lone(strconv.Itoa(i), b[i], Extra)
	}
}

// names are what entries are matched by; a repeated name is told apart by its count. ok is false when
// an entry has none.
func names(list []gjson.Result, key string, whole bool) (out []string, ok bool) {
	count := map[string]int{}
	for _, v := range list {
		n := ""
		if whole {
			n = canonical(v)
		} else {
			var x gjson.Result
			if v.IsObject() {
				x = v.Get(key)
			}
			if !x.Exists() || x.IsObject() || x.IsArray() {
				return nil, false
			}
			n = x.String()
		}
		if count[n]++; count[n] > 1 {
			n += "\x00" + strconv.Itoa(count[n])
		}
		out = append(out, n)
	}
	return out, true
}

// canonical writes a value so that the order of members does not show.
func canonical(v gjson.Result) string {
	switch {
	case v.IsObject():
		ms, _ := members(v)
		slices.SortFunc(ms, func(a, b entry) int { return strings.Compare(a.name, b.name) })
		var b strings.Builder
		for _, m := range ms {
			b.WriteString(strconv.Quote(m.name) + ":" + canonical(m.value) + ",")
		}
		return "{" + b.String() + "}"
	case v.IsArray():
		var b strings.Builder
		for _, x := range v.Array() {
			b.WriteString(canonical(x) + ",")
		}
		return "[" + b.String() + "]"
	case v.Type == gjson.String:
		return strconv.Quote(v.Str)
	}
	return strings.TrimSpace(v.Raw)
}

// Shown is a value as a report may show it: numbers, times and truth as they are, of texts the length
// and a short hash, by which two examples can be told apart, of lists and objects the size.
func Shown(v gjson.Result) string {
	switch {
	case v.IsObject():
		return "object of " + strconv.Itoa(len(v.Map()))
	case v.IsArray():
		return "list of " + strconv.Itoa(len(v.Array()))
	case v.Type == gjson.String:
		if _, ok := moment(v); ok {
			return v.Str
		}
		sum := sha256.Sum256([]byte(v.Str))
		return "text of " + strconv.Itoa(len(v.Str)) + " #" + hex.EncodeToString(sum[:3])
	case v.Raw == "":
		return "nothing"
	case len(v.Raw) > 40:
		return v.Raw[:40]
	}
	return v.Raw
}
