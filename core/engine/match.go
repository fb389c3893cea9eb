package engine

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"

	"github.com/tidwall/gjson"
)

// fields reads a field of a noun; ok is false when the noun has no such field. A field without a
// value is core.Value{} (null).
type fields func(name string) (v core.Value, ok bool)

// match evaluates a filter over one thing.
func match(f core.Filter, get func(field string) (core.Value, bool)) (bool, error) {
	switch f.Op {
	case 0:
		return true, nil
	case core.OpAnd, core.OpOr, core.OpNor:
		for _, s := range f.Sub {
			ok, err := match(s, get)
			if err != nil {
				return false, err
			}
			if f.Op == core.OpAnd && !ok {
				return false, nil
			}
			if f.Op == core.OpOr && ok {
				return true, nil
			}
			if f.Op == core.OpNor && ok {
				return false, nil
			}
		}
		return f.Op != core.OpOr, nil
	}
	v, ok := get(f.Field)
	if !ok {
		return false, fault.RequestInvalid.Error("the filter field " + f.Field + " is not supported")
	}
	return compare(f, v)
}

// compare applies one comparison to a value.
func compare(f core.Filter, v core.Value) (bool, error) {
	switch f.Op {
	case core.OpEq:
		return equal(v, f.Value), nil
	case core.OpNe:
		return !equal(v, f.Value), nil
	case core.OpIn, core.OpNin:
		in := slices.ContainsFunc(f.Value.List, func(x core.Value) bool { return equal(v, x) })
		return in == (f.Op == core.OpIn), nil
	case core.OpExists:
		return (v.Kind != core.KindNull) == f.Value.Bool, nil
	case core.OpContains:
		return slices.ContainsFunc(v.List, func(x core.Value) bool { return equal(x, f.Value) }), nil
	case core.OpAutocomplete, core.OpSearch:
		return wordStarts(v.Text, f.Value.Text), nil
	case core.OpGt, core.OpGte, core.OpLt, core.OpLte:
		if v.Kind == core.KindNull || v.Kind != f.Value.Kind {
			return false, nil
		}
		c := order(v, f.Value)
		switch f.Op {
		case core.OpGt:
			return c > 0, nil
		case core.OpGte:
			return c >= 0, nil
		case core.OpLt:
			return c < 0, nil
		}
		return c <= 0, nil
	}
	return false, fault.RequestInvalid.Error("the filter operator is not supported for " + f.Field)
}

func equal(a, b core.Value) bool {
	if a.Kind == core.KindList && b.Kind != core.KindList {
		return slices.ContainsFunc(a.List, func(x core.Value) bool { return equal(x, b) })
	}
	if a.Kind != b.Kind {
		return false
	}
	if a.Kind == core.KindList {
		return slices.EqualFunc(a.List, b.List, equal)
	}
	return order(a, b) == 0
}

// order compares two values: null first, then by kind, then by content.
func order(a, b core.Value) int {
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	switch a.Kind {
	case core.KindText:
		return strings.Compare(a.Text, b.Text)
	case core.KindNumber:
		return cmp.Compare(a.Num, b.Num)
	case core.KindTime:
		return a.Time.Truncate(time.Millisecond).Compare(b.Time.Truncate(time.Millisecond))
	case core.KindBool:
		switch {
		case a.Bool == b.Bool:
			return 0
		case b.Bool:
			return -1
		}
		return 1
	}
	return 0
}

// wordStarts reports whether a word of the text, or the text, starts with the prefix, ignoring case.
func wordStarts(text, prefix string) bool {
	text, prefix = strings.ToLower(text), strings.ToLower(strings.TrimSpace(prefix))
	if prefix == "" {
		return false
	}
	if strings.HasPrefix(text, prefix) {
		return true
	}
	for i, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && strings.HasPrefix(text[i+len(string(r)):], prefix) {
			return true
		}
	}
	return false
}

// fixed returns the text that a filter pins a field to by a conjunction of equalities, if it does:
// used to read by prefix instead of everything.
func fixed(f core.Filter, field string) (string, bool) {
	if f.Op == core.OpEq && f.Field == field && f.Value.Kind == core.KindText {
		return f.Value.Text, true
	}
	if f.Op == core.OpAnd {
		for _, s := range f.Sub {
			if v, ok := fixed(s, field); ok {
				return v, true
			}
		}
	}
	return "", false
}

// instant is the value of a time that may be unset.
func instant(t time.Time) core.Value {
	if t.IsZero() {
		return core.Value{}
	}
	return core.Time(t)
}

// word is the value of a text that may be empty.
func word[S ~string](s S) core.Value {
	if s == "" {
		return core.Value{}
	}
	return core.Text(string(s))
}

// inExtra reads "extra.a.b" of a noun's own fields.
func inExtra(x core.Extra, field string) (core.Value, bool) {
	path, ok := strings.CutPrefix(field, "extra.")
	if !ok {
		return core.Value{}, false
	}
	return jsonValue(gjson.GetBytes(x, path)), true
}

func jsonValue(r gjson.Result) core.Value {
	switch r.Type {
	case gjson.String:
		return core.Text(r.Str)
	case gjson.Number:
		return core.Number(r.Num)
	case gjson.True, gjson.False:
		return core.Bool(r.Type == gjson.True)
	case gjson.JSON:
		if r.IsArray() {
			v := core.Value{Kind: core.KindList}
			for _, x := range r.Array() {
				v.List = append(v.List, jsonValue(x))
			}
			return v
		}
		return core.Text(r.Raw)
	}
	return core.Value{}
}

// listing answers one page of a record-based noun.
type listing[T any] struct {
	get    func(*T) fields
	filter core.Filter
	sort   []core.Sort // ties are broken by id
	id     func(*T) string
	page   core.Page
	normal int // limit when none is given
	most   int // highest limit
}

// mark is what a cursor holds: the sort values of the element it stands at, and the direction.
type mark struct {
	Values []core.Value `json:"v"`
	ID     string       `json:"i"`
	Back   bool         `json:"b,omitempty"`
}

// run filters, sorts and cuts; next and prev are cursors, empty at the ends.
func (l listing[T]) run(all []T) (out []T, next, prev string, err error) {
	limit, err := pageLimit(l.page, l.normal, l.most)
	if err != nil {
		return nil, "", "", err
	}
	kept := make([]T, 0, len(all))
	for i := range all {
		ok, err := match(l.filter, l.get(&all[i]))
		if err != nil {
			return nil, "", "", err
		}
		if ok {
			kept = append(kept, all[i])
		}
	}
	keys := make([]mark, len(kept))
	index := make([]int, len(kept))
	for i := range kept {
		index[i] = i
		if keys[i], err = l.keyOf(&kept[i]); err != nil {
			return nil, "", "", err
		}
	}
	slices.SortStableFunc(index, func(a, b int) int { return l.compare(keys[a], keys[b]) })
	start := l.page.Offset
	end := start + limit
	if l.page.Cursor != "" {
		at, err := decodeMark(l.page.Cursor)
		if err != nil || len(at.Values) != len(l.sort) {
			return nil, "", "", fault.RequestInvalid.Error("the cursor is not valid")
		}
		first, found := slices.BinarySearchFunc(index, at, func(i int, m mark) int { return l.compare(keys[i], m) })
		if at.Back {
			start, end = max(0, first-limit), first
		} else {
			start = first
			if found {
				start++
			}
			end = start + limit
		}
	}
	start, end = min(start, len(index)), min(end, len(index))
	for _, i := range index[start:end] {
		out = append(out, kept[i])
	}
	if end < len(index) && end > start {
		next = encodeMark(keys[index[end-1]], false)
	}
	if start > 0 && end > start {
		prev = encodeMark(keys[index[start]], true)
	}
	return out, next, prev, nil
}

func (l listing[T]) keyOf(t *T) (mark, error) {
	m := mark{ID: l.id(t)}
	get := l.get(t)
	for _, s := range l.sort {
		v, ok := get(s.Field)
		if !ok {
			return m, fault.RequestInvalid.Error("sorting by " + s.Field + " is not supported")
		}
		m.Values = append(m.Values, v)
	}
	return m, nil
}

func (l listing[T]) compare(a, b mark) int {
	for i, s := range l.sort {
		c := order(a.Values[i], b.Values[i])
		if c != 0 {
			if s.Desc {
				return -c
			}
			return c
		}
	}
	c := strings.Compare(a.ID, b.ID)
	if len(l.sort) > 0 && l.sort[0].Desc {
		return -c
	}
	return c
}

func encodeMark(m mark, back bool) string {
	m.Back = back
	b, err := json.Marshal(m)
	if err != nil {
		return "" // values of the filter language always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeMark(s string) (mark, error) {
	var m mark
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// maxOffset is how far an offset may go; cursors go on.
const maxOffset = 1000

// pageLimit checks a page and returns its limit.
func pageLimit(p core.Page, normal, most int) (int, error) {
	switch {
	case p.Limit < 0 || p.Offset < 0:
		return 0, fault.RequestInvalid.Error("limit and offset must not be negative")
	case p.Limit > most:
		return 0, fault.RequestInvalid.Error("limit is larger than " + strconv.Itoa(most))
	case p.Offset > maxOffset:
		return 0, fault.RequestInvalid.Error("offset is larger than " + strconv.Itoa(maxOffset))
	case p.Offset > 0 && p.Cursor != "":
		return 0, fault.RequestInvalid.Error("offset and cursor exclude each other")
	case p.Limit == 0:
		return normal, nil
	}
	return p.Limit, nil
}

// scan reads all records under a prefix, in key order, up to a bound that keeps one request from
// reading without end.
func scan[T any](ctx context.Context, r store.Reader, app core.AppID, space, prefix string) ([]T, error) {
	var out []T
	after := ""
	for len(out) < maxScan {
		rows, err := r.Records(ctx, app, space, prefix, after, false, scanPage)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			var v T
			if err := json.Unmarshal(rows[i].Value, &v); err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		if len(rows) < scanPage {
			break
		}
		after = rows[len(rows)-1].Key
	}
	return out, nil
}

// Bounds of scan.
const (
	scanPage = 1000
	maxScan  = 100000
)
