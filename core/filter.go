package core

import "time"

// FilterOp is one operator of the neutral filter language.
type FilterOp uint8

// The operators. And, Or and Nor combine Sub; the others compare Field with Value.
const (
	OpAnd FilterOp = iota + 1
	OpOr
	OpNor
	OpEq
	OpNe
	OpGt
	OpGte
	OpLt
	OpLte
	OpIn
	OpNin
	OpExists
	OpContains     // the list field holds the value
	OpAutocomplete // a word of the text starts with the value, ignoring case
	OpSearch       // full text
)

// Filter is a condition tree. The zero Filter matches everything.
//
// Fields are core names, listed per noun beside the query commands ("id", "key", "type",
// "created_at", "members", …); "extra.a.b" addresses a member of Extra by path. A store answers
// request.invalid for a field it does not know. Dialects bound depth and size while decoding.
type Filter struct {
	Op    FilterOp
	Field string
	Value Value
	Sub   []Filter
}

// Zero reports whether the filter matches everything.
func (f Filter) Zero() bool { return f.Op == 0 }

// And joins filters, leaving out those that match everything.
func And(fs ...Filter) Filter {
	out := Filter{Op: OpAnd}
	for _, f := range fs {
		if !f.Zero() {
			out.Sub = append(out.Sub, f)
		}
	}
	switch len(out.Sub) {
	case 0:
		return Filter{}
	case 1:
		return out.Sub[0]
	}
	return out
}

// Cond is a single comparison.
func Cond(field string, op FilterOp, v Value) Filter { return Filter{Op: op, Field: field, Value: v} }

// ValueKind tells which member of a Value is set.
type ValueKind uint8

// The kinds of value.
const (
	KindNull ValueKind = iota
	KindText
	KindNumber
	KindBool
	KindTime
	KindList
)

// Value is a typed literal of a filter.
type Value struct {
	Kind ValueKind
	Text string
	Num  float64
	Bool bool
	Time time.Time
	List []Value
}

// Text builds a text value.
func Text(s string) Value { return Value{Kind: KindText, Text: s} }

// Number builds a numeric value.
func Number(n float64) Value { return Value{Kind: KindNumber, Num: n} }

// Bool builds a boolean value.
func Bool(b bool) Value { return Value{Kind: KindBool, Bool: b} }

// Time builds an instant.
func Time(t time.Time) Value { return Value{Kind: KindTime, Time: t} }

// Texts builds a list of text values.
func Texts[S ~string](ss []S) Value {
	v := Value{Kind: KindList, List: make([]Value, len(ss))}
	for i, s := range ss {
		v.List[i] = Text(string(s))
	}
	return v
}

// Sort is one sort key.
type Sort struct {
	Field string
	Desc  bool
}

// Page bounds a query. Offset and Cursor exclude each other.
type Page struct {
	Limit  int    // 0 means the command's default; each command has a maximum
	Offset int    // at most 1000
	Cursor string // opaque, from an earlier answer
}
