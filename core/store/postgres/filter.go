package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// fieldType tells how the values of a field compare, and how an order by it goes on from a cursor.
type fieldType uint8

// The types. A list is a JSON array; a special field compiles its own conditions; typeJSON and
// typeReal are of sort keys alone.
const (
	typeText fieldType = iota
	typeNumber
	typeTime
	typeBool
	typeList
	typeSpecial
	typeJSON
	typeReal
)

// field is one name of a noun's filter language: an SQL expression that is never NULL unless its
// noun says so, or a function that compiles the condition. In the expression ":viewer", ":app",
// ":now" and ":nowtext" stand for parameters.
type field struct {
	expr string
	typ  fieldType
	null bool // may be NULL
	cond func(b *builder, f core.Filter) error
}

// noun is what can be asked of one kind of row.
type noun struct {
	name   string
	fields map[string]field
	extra  string    // JSON column behind "extra."
	key    string    // primary key: the last sort key
	keyTyp fieldType // of key
}

// maxDepth and maxSize bound a compiled filter, before the server's own limits do.
const (
	maxDepth = 200
	maxArgs  = 30_000
)

// builder collects SQL text and its parameters in order.
type builder struct {
	sql    strings.Builder
	args   []any
	named  map[string]int // parameters that were given a number: ":viewer" and its like
	noun   *noun
	app    core.AppID
	viewer core.UserID
	now    time.Time
	depth  int
}

// bad is an ErrBadFilter with the sentence that tells why.
func bad(format string, a ...any) error {
	return fmt.Errorf("%w: %s", store.ErrBadFilter, fmt.Sprintf(format, a...))
}

// param notes a parameter and returns its placeholder.
func (b *builder) param(v any) string {
	b.args = append(b.args, v)
	return "$" + strconv.Itoa(len(b.args))
}

// shared is the placeholder of a parameter that is bound once, however often it is named.
func (b *builder) shared(name string, value func() any) string {
	n, ok := b.named[name]
	if !ok {
		b.param(value())
		n = len(b.args)
		if b.named == nil {
			b.named = map[string]int{}
		}
		b.named[name] = n
	}
	return "$" + strconv.Itoa(n)
}

// variables are the names that expressions use, longest first.
var variables = []struct {
	name, cast string
	value      func(*builder) any
}{
	{":viewer", "::text", func(b *builder) any { return enc(b.viewer) }},
	{":nowtext", "::text", func(b *builder) any { return b.now.UTC().Format(time.RFC3339) }},
	{":now", "::bigint", func(b *builder) any { return b.now.UnixMilli() }},
	{":app", "::bigint", func(b *builder) any { return int64(b.app) }},
}

// write appends SQL; "?" takes the next of vals, a name its variable.
func (b *builder) write(sql string, vals ...any) *builder {
	for {
		i := strings.IndexAny(sql, "?:")
		if i < 0 {
			b.sql.WriteString(sql)
			return b
		}
		b.sql.WriteString(sql[:i])
		sql = sql[i:]
		if sql[0] == '?' {
			b.sql.WriteString(b.param(vals[0]))
			vals, sql = vals[1:], sql[1:]
			continue
		}
		n := 1
		for _, v := range variables {
			if strings.HasPrefix(sql, v.name) {
				b.sql.WriteString(b.shared(v.name, func() any { return v.value(b) }) + v.cast)
				n = len(v.name)
				break
			}
		}
		if n == 1 { // a colon of SQL: a cast has two
			if strings.HasPrefix(sql, "::") {
				n = 2
			}
			b.sql.WriteString(sql[:n])
		}
		sql = sql[n:]
	}
}

// opNames are for error sentences.
var opNames = map[core.FilterOp]string{
	core.OpAnd: "and", core.OpOr: "or", core.OpNor: "nor", core.OpEq: "eq", core.OpNe: "ne", core.OpGt: "gt", core.OpGte: "gte", core.OpLt: "lt",
	core.OpLte: "lte", core.OpIn: "in", core.OpNin: "nin", core.OpExists: "exists", core.OpContains: "contains",
	core.OpAutocomplete: "autocomplete", core.OpSearch: "search",
}

// compares are the operators that are SQL's own.
var compares = map[core.FilterOp]string{
	core.OpEq: " = ", core.OpGt: " > ", core.OpGte: " >= ", core.OpLt: " < ", core.OpLte: " <= ",
}

// filter compiles a condition tree.
func (b *builder) filter(f core.Filter) error {
	if b.depth++; b.depth > maxDepth {
		return bad("the filter is too deep")
	}
	defer func() { b.depth-- }()
	switch f.Op {
	case 0:
		b.write("true")
		return nil
	case core.OpAnd, core.OpOr, core.OpNor:
		return b.combine(f)
	}
	if path, ok := strings.CutPrefix(f.Field, "extra."); ok && b.noun.extra != "" {
		return b.extraCond(f, path)
	}
	fd, ok := b.noun.fields[f.Field]
	if !ok {
		return bad("%s have no field %q to filter by", b.noun.name, f.Field)
	}
	if fd.cond != nil {
		return fd.cond(b, f)
	}
	return b.compare(fd, f)
}

// combine compiles and, or, nor.
func (b *builder) combine(f core.Filter) error {
	word, empty := " AND ", "true"
	if f.Op != core.OpAnd {
		word, empty = " OR ", "false"
	}
	if f.Op == core.OpNor {
		return b.not(func() error { return b.combine(core.Filter{Op: core.OpOr, Sub: f.Sub}) })
	}
	if len(f.Sub) == 0 {
		b.write(empty)
		return nil
	}
	b.write("(")
	for i, sub := range f.Sub {
		if i > 0 {
			b.write(word)
		}
		if err := b.filter(sub); err != nil {
			return err
		}
	}
	b.write(")")
	return nil
}

// not negates a condition; what is unknown is not true, so that absent values match.
func (b *builder) not(cond func() error) error {
	b.write("NOT coalesce(")
	if err := cond(); err != nil {
		return err
	}
	b.write(", false)")
	return nil
}

// negated compiles ne and nin as the opposite of eq and in.
func (b *builder) negated(f core.Filter, with func(core.Filter) error) (bool, error) {
	switch f.Op {
	case core.OpNe:
		f.Op = core.OpEq
	case core.OpNin:
		f.Op = core.OpIn
	default:
		return false, nil
	}
	return true, b.not(func() error { return with(f) })
}

// unsupported is the error for an operator a field does not have.
func (b *builder) unsupported(f core.Filter) error {
	return bad("field %q of %s cannot be filtered with operator %s and this value", f.Field, b.noun.name, opNames[f.Op])
}

// blank reports whether a value is null or, of a text, empty: the same to a field.
func blank(typ fieldType, v core.Value) bool {
	return v.Kind == core.KindNull || v.Kind == core.KindText && v.Text == "" && typ == typeText
}

// whole is an expression that is never NULL, with the value that "none" has.
func (fd field) whole() (expr, none string) {
	none = map[fieldType]string{typeText: "''", typeBool: "false", typeNumber: "0", typeTime: "0"}[fd.typ]
	if fd.null {
		return "coalesce(" + fd.expr + ", " + none + ")", none
	}
	return fd.expr, none
}

// compare compiles a condition on a column.
func (b *builder) compare(fd field, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return b.compare(fd, f) }); done {
		return err
	}
	if fd.typ == typeList {
		return b.listCond(fd.expr, f)
	}
	expr, none := fd.whole()
	switch f.Op {
	case core.OpExists:
		if f.Value.Kind != core.KindBool {
			return b.unsupported(f)
		}
		switch {
		case fd.typ == typeText || fd.typ == typeTime:
			b.write("("+expr+" <> "+none+") = ?::boolean", f.Value.Bool)
		default:
			b.write("(("+fd.expr+") IS NOT NULL) = ?::boolean", f.Value.Bool)
		}
		return nil
	case core.OpIn:
		if f.Value.Kind != core.KindList {
			return b.unsupported(f)
		}
		return b.in(fd, f)
	case core.OpAutocomplete:
		if fd.typ != typeText || f.Value.Kind != core.KindText {
			return b.unsupported(f)
		}
		return b.autocomplete(expr, f.Value.Text)
	case core.OpEq:
		if blank(fd.typ, f.Value) {
			b.write(expr + " = " + none)
			return nil
		}
	}
	op, ok := compares[f.Op]
	if !ok {
		return b.unsupported(f)
	}
	a, cast, ok := convert(fd.typ, f.Value)
	if !ok {
		return b.unsupported(f)
	}
	b.write(expr+op+"?"+cast, a)
	return nil
}

// in compiles a list of values as one array.
func (b *builder) in(fd field, f core.Filter) error {
	expr, none := fd.whole()
	empty := false // the list holds null or the empty text
	var texts []string
	var ints []int64
	var reals []float64
	var cast string
	for _, v := range f.Value.List {
		if blank(fd.typ, v) {
			empty = true
			continue
		}
		a, c, ok := convert(fd.typ, v)
		if !ok {
			return b.unsupported(f)
		}
		cast = c
		switch a := a.(type) {
		case string:
			texts = append(texts, a)
		case int64:
			ints = append(ints, a)
		case float64:
			reals = append(reals, a)
		case bool: // of two values one list is as good as another
			texts = append(texts, strconv.FormatBool(a))
			cast = "::text"
		}
	}
	b.write("(false")
	switch {
	case len(texts) > 0 && fd.typ == typeBool:
		b.write(" OR ("+expr+")::text = ANY(?)", texts)
	case len(texts) > 0:
		b.write(" OR "+expr+" = ANY(?)", texts)
	case len(ints) > 0:
		b.write(" OR "+expr+" = ANY(?"+cast+"[])", ints)
	case len(reals) > 0:
		b.write(" OR "+expr+" = ANY(?"+cast+"[])", reals)
	}
	if empty {
		b.write(" OR " + expr + " = " + none)
	}
	b.write(")")
	return nil
}

// convert makes a value comparable with a column of the type, and names its SQL type.
func convert(t fieldType, v core.Value) (a any, cast string, ok bool) {
	switch {
	case t == typeText && v.Kind == core.KindText:
		return enc(v.Text), "::text", true
	case t == typeNumber && v.Kind == core.KindNumber:
		return v.Num, "::float8", true
	case t == typeBool && v.Kind == core.KindBool:
		return v.Bool, "::boolean", true
	case t == typeTime && v.Kind == core.KindTime:
		return millis(v.Time), "::bigint", true
	case t == typeTime && v.Kind == core.KindText:
		at, err := time.Parse(time.RFC3339Nano, v.Text)
		return millis(at), "::bigint", err == nil
	}
	return nil, "", false
}

// wordStarts are the patterns before which a word begins.
var wordStarts = []string{"", "% ", "%\n", "%-", "%.", `%\_`, "%,", "%(", "%/", "%@", "%#", "%'", `%"`}

// maxPrefix bounds what autocomplete takes.
const maxPrefix = 1024

// autocomplete matches a word that starts with the prefix. ILIKE ignores the case of ASCII in a
// bytewise collation; for other letters the usual spellings are tried.
func (b *builder) autocomplete(expr, prefix string) error {
	if len(prefix) > maxPrefix {
		return bad("the beginning of a word is longer than %d bytes", maxPrefix)
	}
	escaped := enc(strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(prefix))
	spellings := map[string]bool{escaped: true}
	if strings.IndexFunc(escaped, func(r rune) bool { return r >= 0x80 }) >= 0 {
		for _, s := range []string{strings.ToLower(escaped), strings.ToUpper(escaped), title(escaped)} {
			spellings[s] = true
		}
	}
	var patterns []string
	for s := range spellings {
		for _, start := range wordStarts {
			patterns = append(patterns, start+s+"%")
		}
	}
	b.write(expr+" ILIKE ANY(?::text[])", patterns)
	return nil
}

// title is s in lower case with its first letter in upper case.
func title(s string) string {
	for i := range s {
		if i > 0 {
			return strings.ToUpper(s[:i]) + strings.ToLower(s[i:])
		}
	}
	return strings.ToUpper(s)
}

// jsonPath turns "a.b" into a path of JSON names.
func jsonPath(dotted string) ([]string, error) {
	parts := strings.Split(dotted, ".")
	for i, part := range parts {
		if part == "" || strings.ContainsAny(part, "\"\\") {
			return nil, bad("%q is not a path of names", "extra."+dotted)
		}
		parts[i] = enc(part)
	}
	return parts, nil
}

// jsonIs compiles a comparison of a JSON expression with a value of a kind that has an order.
func (b *builder) jsonIs(expr, op string, v core.Value) bool {
	switch v.Kind {
	case core.KindText:
		b.write("json_str("+expr+")"+op+"?", enc(v.Text))
	case core.KindTime:
		b.write("json_str("+expr+")"+op+"?", v.Time.UTC().Format(time.RFC3339Nano))
	case core.KindNumber:
		b.write("json_num("+expr+")"+op+"?::float8::numeric", v.Num)
	case core.KindBool:
		b.write("(CASE WHEN json_typeof("+expr+") = 'boolean' THEN ("+expr+")::text = 'true' END)"+op+"?::boolean", v.Bool)
	default:
		return false
	}
	return true
}

// extraCond compiles a condition on a member of the JSON object of custom fields.
func (b *builder) extraCond(f core.Filter, dotted string) error {
	path, err := jsonPath(dotted)
	if err != nil {
		return err
	}
	expr := "json_at(" + b.noun.extra + ", " + b.shared("extra."+dotted, func() any { return path }) + "::text[])"
	return b.jsonCond(expr, f)
}

// jsonCond compiles a condition on a JSON value.
func (b *builder) jsonCond(expr string, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return b.jsonCond(expr, f) }); done {
		return err
	}
	switch {
	case f.Op == core.OpExists:
		if f.Value.Kind != core.KindBool {
			return b.unsupported(f)
		}
		b.write("("+expr+" IS NOT NULL) = ?::boolean", f.Value.Bool)
		return nil
	case f.Op == core.OpIn || f.Op == core.OpContains:
		return b.listCond(expr, f)
	case f.Op == core.OpAutocomplete:
		if f.Value.Kind != core.KindText {
			return b.unsupported(f)
		}
		return b.autocomplete("json_str("+expr+")", f.Value.Text)
	case f.Op == core.OpEq && f.Value.Kind == core.KindNull:
		b.write("coalesce(json_typeof(" + expr + "), 'null') = 'null'")
		return nil
	case f.Op == core.OpEq && f.Value.Kind == core.KindList:
		b.write("json_key("+expr+") = ?::jsonb", listJSON(f.Value))
		return nil
	}
	op, ok := compares[f.Op]
	if !ok || !b.jsonIs(expr, op, f.Value) {
		return b.unsupported(f)
	}
	return nil
}

// listJSON renders a list as a JSON array.
func listJSON(v core.Value) []byte {
	out := []byte{'['}
	for i, e := range v.List {
		if i > 0 {
			out = append(out, ',')
		}
		switch e.Kind {
		case core.KindList:
			out = append(out, listJSON(e)...)
		case core.KindNumber:
			n, _ := json.Marshal(e.Num)
			out = append(out, n...)
		case core.KindBool:
			out = strconv.AppendBool(out, e.Bool)
		case core.KindNull:
			out = append(out, "null"...)
		case core.KindTime:
			out = codec.AppendQuoted(out, e.Time.UTC().Format(time.RFC3339Nano))
		default:
			out = codec.AppendQuoted(out, enc(e.Text))
		}
	}
	return append(out, ']')
}

// listCond compiles a condition on the elements of a JSON array, or on a lone value in its place.
func (b *builder) listCond(expr string, f core.Filter) error {
	var values []core.Value
	switch {
	case f.Op == core.OpExists && f.Value.Kind == core.KindBool:
		b.write("(coalesce(json_count("+expr+"), 0) > 0) = ?::boolean", f.Value.Bool)
		return nil
	case f.Op == core.OpEq && f.Value.Kind == core.KindList:
		b.write("json_key("+expr+") = ?::jsonb", listJSON(f.Value))
		return nil
	case f.Op == core.OpIn && f.Value.Kind == core.KindList:
		values = f.Value.List
	case (f.Op == core.OpContains || f.Op == core.OpEq) && f.Value.Kind != core.KindList:
		values = []core.Value{f.Value}
	case f.Op == core.OpContains: // all of them
		out := core.Filter{Op: core.OpAnd}
		for _, v := range f.Value.List {
			out.Sub = append(out.Sub, core.Cond(f.Field, f.Op, v))
		}
		return b.filter(out)
	default:
		return b.unsupported(f)
	}
	var texts []string
	var others []core.Value
	for _, v := range values {
		if v.Kind == core.KindText {
			texts = append(texts, enc(v.Text))
		} else {
			others = append(others, v)
		}
	}
	b.write("EXISTS (SELECT 1 FROM json_items(" + expr + ") e WHERE (false")
	if len(texts) > 0 {
		b.write(" OR json_str(e) = ANY(?::text[])", texts)
	}
	for _, v := range others {
		b.write(" OR ")
		if v.Kind == core.KindNull {
			b.write("json_typeof(e) = 'null'")
		} else if !b.jsonIs("e", " = ", v) {
			return b.unsupported(f)
		}
	}
	b.write(")")
	if f.Op == core.OpContains {
		b.write(" AND json_typeof(" + expr + ") = 'array'")
	}
	b.write(")")
	return nil
}
