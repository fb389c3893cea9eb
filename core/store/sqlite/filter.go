package sqlite

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// fieldType tells how the values of a field compare.
type fieldType uint8

// The types. A list is a JSON array; a special field compiles its own conditions.
const (
	typeText fieldType = iota
	typeNumber
	typeTime
	typeBool
	typeList
	typeSpecial
)

// field is one name of a noun's filter language: an SQL expression, or a function that compiles
// the condition. uses tells how often the expression refers to the viewer (":viewer") and the
// clock (":now"); both are replaced by parameters.
type field struct {
	expr string
	typ  fieldType
	set  bool // never NULL: it sorts as it is, so that an index may serve the order
	cond func(b *builder, f core.Filter) error
}

// noun is what can be asked of one kind of row.
type noun struct {
	name   string
	fields map[string]field
	extra  string // JSON column behind "extra."
	key    string // primary key: the last sort key
}

// arg is one bound value.
type arg struct {
	kind core.ValueKind // KindText, KindNumber or, for whole numbers, KindTime
	text string
	num  float64
	int  int64
}

// builder collects SQL text and its arguments in order.
type builder struct {
	sql    strings.Builder
	args   []arg
	noun   *noun
	app    core.AppID
	viewer core.UserID
	now    time.Time
}

// bad is an ErrBadFilter with the sentence that tells why.
func bad(format string, a ...any) error {
	return fmt.Errorf("%w: %s", store.ErrBadFilter, fmt.Sprintf(format, a...))
}

// textArg is a text argument.
func textArg(s string) arg { return arg{kind: core.KindText, text: s} }

// intArg is an integer argument.
func intArg(n int64) arg { return arg{kind: core.KindTime, int: n} }

// write appends SQL and its arguments; ":viewer", ":app" and ":now" bind themselves.
func (b *builder) write(sql string, args ...arg) *builder {
	for {
		i := strings.IndexAny(sql, "?:")
		if i < 0 {
			b.sql.WriteString(sql)
			return b
		}
		b.sql.WriteString(sql[:i])
		rest := sql[i:]
		switch {
		case strings.HasPrefix(rest, ":viewer"):
			b.args, rest = append(b.args, textArg(string(b.viewer))), rest[len(":viewer"):]
		case strings.HasPrefix(rest, ":app"):
			b.args, rest = append(b.args, intArg(int64(b.app))), rest[len(":app"):]
		case strings.HasPrefix(rest, ":nowtext"):
			b.args, rest = append(b.args, textArg(b.now.UTC().Format(time.RFC3339))), rest[len(":nowtext"):]
		case strings.HasPrefix(rest, ":now"):
			b.args, rest = append(b.args, intArg(b.now.UnixMilli())), rest[len(":now"):]
		case rest[0] == '?':
			b.args, args, rest = append(b.args, args[0]), args[1:], rest[1:]
		default: // a colon of a literal
			b.sql.WriteByte(':')
			sql = rest[1:]
			continue
		}
		b.sql.WriteByte('?')
		sql = rest
	}
}

// bind binds the arguments gathered.
func (b *builder) bind(st *stmt) {
	for _, a := range b.args {
		switch a.kind {
		case core.KindText:
			st.text(a.text)
		case core.KindNumber:
			st.float(a.num)
		case core.KindTime:
			st.int(a.int)
		default:
			st.null()
		}
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
	switch f.Op {
	case 0:
		b.write("1")
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
	word := " AND "
	if f.Op != core.OpAnd {
		word = " OR "
	}
	if f.Op == core.OpNor { // what is unknown is not true: absent values match
		b.write("NOT coalesce(")
		if err := b.combine(core.Filter{Op: core.OpOr, Sub: f.Sub}); err != nil {
			return err
		}
		b.write(", 0)")
		return nil
	}
	if len(f.Sub) == 0 {
		if f.Op == core.OpAnd {
			b.write("1")
		} else {
			b.write("0")
		}
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

// negated compiles ne and nin as the opposite of eq and in, so that absent values match.
func (b *builder) negated(f core.Filter, with func(core.Filter) error) (bool, error) {
	switch f.Op {
	case core.OpNe:
		f.Op = core.OpEq
	case core.OpNin:
		f.Op = core.OpIn
	default:
		return false, nil
	}
	b.write("NOT coalesce(")
	if err := with(f); err != nil {
		return true, err
	}
	b.write(", 0)")
	return true, nil
}

// unsupported is the error for an operator a field does not have.
func (b *builder) unsupported(f core.Filter) error {
	return bad("field %q of %s cannot be filtered with operator %s and this value", f.Field, b.noun.name, opNames[f.Op])
}

// compare compiles a condition on a column.
func (b *builder) compare(fd field, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return b.compare(fd, f) }); done {
		return err
	}
	if fd.typ == typeList {
		return b.listCond(fd.expr, "$", f)
	}
	switch f.Op {
	case core.OpExists:
		return b.exists(fd, f)
	case core.OpIn:
		if f.Value.Kind != core.KindList {
			return b.unsupported(f)
		}
		return b.in(fd, f)
	case core.OpAutocomplete:
		if fd.typ != typeText || f.Value.Kind != core.KindText {
			return b.unsupported(f)
		}
		return b.autocomplete(fd.expr, f.Value.Text)
	case core.OpEq:
		if f.Value.Kind == core.KindNull || f.Value.Kind == core.KindText && f.Value.Text == "" && fd.typ == typeText {
			b.write("coalesce(" + fd.expr + ", '') IN ('', 0)")
			return nil
		}
	}
	op, ok := compares[f.Op]
	if !ok {
		return b.unsupported(f)
	}
	a, ok := convert(fd.typ, f.Value)
	if !ok {
		return b.unsupported(f)
	}
	if fd.typ == typeTime || fd.typ == typeNumber || fd.typ == typeBool {
		b.write("coalesce("+fd.expr+", 0)"+op+"?", a)
	} else {
		b.write(fd.expr+op+"?", a)
	}
	return nil
}

// in compiles a list of values as one SQL list: an index can be used and the expression stays flat.
func (b *builder) in(fd field, f core.Filter) error {
	var args []arg
	empty := false // the list holds null or the empty text
	for _, v := range f.Value.List {
		if v.Kind == core.KindNull || v.Kind == core.KindText && v.Text == "" && fd.typ == typeText {
			empty = true
			continue
		}
		a, ok := convert(fd.typ, v)
		if !ok {
			return b.unsupported(f)
		}
		args = append(args, a)
	}
	b.write("(" + fd.expr + " IN (")
	b.write(marks(len(args))+")", args...)
	if empty {
		b.write(" OR coalesce(" + fd.expr + ", '') IN ('', 0)")
	}
	b.write(")")
	return nil
}

// exists takes absent, empty and never for the same.
func (b *builder) exists(fd field, f core.Filter) error {
	if f.Value.Kind != core.KindBool {
		return b.unsupported(f)
	}
	not := " NOT"
	if !f.Value.Bool {
		not = ""
	}
	if fd.typ == typeBool || fd.typ == typeNumber {
		b.write("(" + fd.expr + ") IS" + not + " NULL")
		return nil
	}
	b.write("coalesce(" + fd.expr + ", '')" + not + " IN ('', 0)")
	return nil
}

// convert makes a value comparable with a column of the type.
func convert(t fieldType, v core.Value) (arg, bool) {
	switch {
	case t == typeText && v.Kind == core.KindText:
		return textArg(v.Text), true
	case t == typeNumber && v.Kind == core.KindNumber:
		return arg{kind: core.KindNumber, num: v.Num}, true
	case t == typeBool && v.Kind == core.KindBool:
		if v.Bool {
			return intArg(1), true
		}
		return intArg(0), true
	case t == typeTime && v.Kind == core.KindTime:
		return intArg(millis(v.Time)), true
	case t == typeTime && v.Kind == core.KindText:
		at, err := time.Parse(time.RFC3339Nano, v.Text)
		return intArg(millis(at)), err == nil
	}
	return arg{}, false
}

// wordStarts are the patterns before which a word begins.
var wordStarts = []string{"", "% ", "%\n", "%-", "%.", `%\_`, "%,", "%(", "%/", "%@", "%#", "%'", `%"`}

// maxPrefix bounds what autocomplete takes.
const maxPrefix = 1024

// autocomplete matches a word that starts with the prefix. LIKE ignores the case of ASCII; for
// other letters the usual spellings are tried.
func (b *builder) autocomplete(expr, prefix string) error {
	if len(prefix) > maxPrefix {
		return bad("the beginning of a word is longer than %d bytes", maxPrefix)
	}
	escaped := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(prefix)
	spellings := []string{escaped}
	for _, s := range []string{strings.ToLower(escaped), strings.ToUpper(escaped), title(escaped)} {
		if !ascii(escaped) && s != escaped {
			spellings = append(spellings, s)
		}
	}
	b.write("(0")
	for _, s := range spellings {
		for _, start := range wordStarts {
			b.write(" OR "+expr+` LIKE ? ESCAPE '\'`, textArg(start+s+"%"))
		}
	}
	b.write(")")
	return nil
}

// ascii reports whether the text is plain.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
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

// jsonPath turns "a.b" into the path of a JSON function.
func jsonPath(dotted string) (string, error) {
	var p strings.Builder
	p.WriteByte('$')
	for _, part := range strings.Split(dotted, ".") {
		if part == "" || strings.ContainsAny(part, "\"\\") {
			return "", bad("%q is not a path of names", "extra."+dotted)
		}
		p.WriteString(`."` + part + `"`)
	}
	return p.String(), nil
}

// jsonTypes are the JSON types a value of a kind may equal.
var jsonTypes = map[core.ValueKind]string{
	core.KindText: "('text')", core.KindTime: "('text')", core.KindNumber: "('integer', 'real')", core.KindBool: "('true', 'false')",
}

// jsonArg is a value as the JSON functions render it.
func jsonArg(v core.Value) arg {
	switch v.Kind {
	case core.KindNumber:
		return arg{kind: core.KindNumber, num: v.Num}
	case core.KindBool:
		a, _ := convert(typeBool, v)
		return a
	case core.KindTime:
		return textArg(v.Time.UTC().Format(time.RFC3339Nano))
	default:
		return textArg(v.Text)
	}
}

// extraCond compiles a condition on a member of the JSON object of custom fields.
func (b *builder) extraCond(f core.Filter, dotted string) error {
	path, err := jsonPath(dotted)
	if err != nil {
		return err
	}
	if done, err := b.negated(f, func(f core.Filter) error { return b.extraCond(f, dotted) }); done {
		return err
	}
	col, p := b.noun.extra, textArg(path)
	switch f.Op {
	case core.OpExists:
		if f.Value.Kind != core.KindBool {
			return b.unsupported(f)
		}
		if f.Value.Bool {
			b.write("json_type("+col+", ?) IS NOT NULL", p)
		} else {
			b.write("json_type("+col+", ?) IS NULL", p)
		}
		return nil
	case core.OpIn, core.OpContains:
		return b.listCond(col, path, f)
	case core.OpAutocomplete:
		if f.Value.Kind != core.KindText {
			return b.unsupported(f)
		}
		b.write("(json_type("+col+", ?) = 'text' AND EXISTS (SELECT 1 FROM (SELECT json_extract("+col+", ?) AS v) WHERE ", p, p)
		if err := b.autocomplete("v", f.Value.Text); err != nil {
			return err
		}
		b.write("))")
		return nil
	case core.OpEq:
		switch f.Value.Kind {
		case core.KindNull:
			b.write("coalesce(json_type("+col+", ?), 'null') = 'null'", p)
			return nil
		case core.KindList:
			b.write("json_extract("+col+", ?) = ?", p, textArg(string(listJSON(f.Value))))
			return nil
		}
	}
	op, ok := compares[f.Op]
	types, known := jsonTypes[f.Value.Kind]
	if !ok || !known {
		return b.unsupported(f)
	}
	b.write("(json_type("+col+", ?) IN "+types+" AND json_extract("+col+", ?)"+op+"?)", p, p, jsonArg(f.Value))
	return nil
}

// listJSON renders a list as SQLite renders a minified array.
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
			out = fmt.Appendf(out, "%t", e.Bool)
		case core.KindNull:
			out = append(out, "null"...)
		default:
			out = codec.AppendQuoted(out, jsonArg(e).text)
		}
	}
	return append(out, ']')
}

// listCond compiles a condition on the elements of a JSON array, or on a lone value in its place.
func (b *builder) listCond(col, path string, f core.Filter) error {
	p := textArg(path)
	var values []core.Value
	switch {
	case f.Op == core.OpExists && f.Value.Kind == core.KindBool:
		if !f.Value.Bool {
			b.write("NOT ")
		}
		b.write("(coalesce(json_array_length("+col+", ?), 0) > 0)", p)
		return nil
	case f.Op == core.OpEq && f.Value.Kind == core.KindList:
		b.write("json_extract("+col+", ?) = ?", p, textArg(string(listJSON(f.Value))))
		return nil
	case f.Op == core.OpIn && f.Value.Kind == core.KindList:
		values = f.Value.List
	case (f.Op == core.OpContains || f.Op == core.OpEq) && f.Value.Kind != core.KindList:
		values = []core.Value{f.Value}
	case f.Op == core.OpContains: // all of them
		return b.filter(all(f))
	default:
		return b.unsupported(f)
	}
	b.write("EXISTS (SELECT 1 FROM json_each("+col+", ?) e WHERE (0", p)
	byTypes := map[string][]arg{}
	for _, v := range values {
		if v.Kind == core.KindNull {
			b.write(" OR e.type = 'null'")
			continue
		}
		types, ok := jsonTypes[v.Kind]
		if !ok {
			return b.unsupported(f)
		}
		byTypes[types] = append(byTypes[types], jsonArg(v))
	}
	for _, types := range slices.Sorted(maps.Keys(byTypes)) { // the same text for the same shape
		b.write(" OR (e.type IN "+types+" AND e.value IN ("+marks(len(byTypes[types]))+"))", byTypes[types]...)
	}
	b.write(")")
	if f.Op == core.OpContains {
		b.write(" AND json_type("+col+", ?) = 'array'", p)
	}
	b.write(")")
	return nil
}

// all is one condition per value of a list.
func all(f core.Filter) core.Filter {
	out := core.Filter{Op: core.OpAnd}
	for _, v := range f.Value.List {
		out.Sub = append(out.Sub, core.Cond(f.Field, f.Op, v))
	}
	return out
}
