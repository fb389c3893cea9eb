package normalize

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dragoman/core/fault"
)

// Option adjusts Parse.
type Option func(*source)

// source is what Parse knows about the files it reads.
type source struct {
	provider, edition string
	errorsFile        string
	emitFile          string
	proven, unproven  []byte
	extra             []byte
}

// Provider sets the vendor's name where it differs from the catalogue's.
func Provider(name string) Option { return func(s *source) { s.provider = name } }

// Edition sets the date of the vendor's table, such as "2026-11".
func Edition(date string) Option { return func(s *source) { s.edition = date } }

// Files sets the file names used in messages of Parse.
func Files(errors, emit string) Option {
	return func(s *source) { s.errorsFile, s.emitFile = errors, emit }
}

// Proven adds the list of tests that provoke rows: a table with the columns row and test. A test
// of the repository checks that every named test exists.
func Proven(tsv []byte) Option { return func(s *source) { s.proven = tsv } }

// Unproven adds the list of rows that no test can provoke: a table with the columns row and reason.
func Unproven(tsv []byte) Option { return func(s *source) { s.unproven = tsv } }

// Extra adds errors that the vendor's servers are known to send but its published table lacks:
// the columns of the errors table. They are recognised, never raised, and not counted as rows of
// the table.
func Extra(tsv []byte) Option { return func(s *source) { s.extra = tsv } }

// Columns of the two tables. "body" is optional; every other column must be present, in any order.
var (
	errorColumns = []string{"id", "surface", "status", "code", "name", "message", "canonical", "variant", "direction", "reach", "meaning"}
	emitColumns  = []string{"canonical", "row", "status", "code", "fit", "text", "note"}
)

// Parse reads a vendor's two tables: the rows, and what the vendor says for each canonical error.
// Both are tab-separated with one header line and no quoting. Every mistake that would show up as
// a wrong answer later is an error here, with file and line: an unknown reason, an id or a
// (canonical, variant) pair that occurs twice, a reason without an emission, a grade of fit that
// the rows do not bear out.
func Parse(name string, errorsTSV, emitTSV []byte, opts ...Option) (*Catalog, error) {
	src := source{provider: name, edition: "unversioned", errorsFile: "errors.tsv", emitFile: "emit.tsv"}
	for _, o := range opts {
		o(&src)
	}
	c := &Catalog{
		name: name, provider: src.provider, version: name + "@" + src.edition,
		emit: make(map[*fault.Reason]*emission, 136), byStatus: map[int]*Row{}, texts: map[*Row]pattern{},
	}
	if err := c.readRows(table{name: name + "/" + src.errorsFile, text: errorsTSV}); err != nil {
		return nil, err
	}
	if err := c.readEmit(table{name: name + "/" + src.emitFile, text: emitTSV}); err != nil {
		return nil, err
	}
	if src.extra != nil {
		if err := c.readExtra(table{name: name + "/extra.tsv", text: src.extra}); err != nil {
			return nil, err
		}
	}
	if src.proven != nil {
		if err := c.readProof(table{name: name + "/proven.tsv", text: src.proven}); err != nil {
			return nil, err
		}
	}
	if src.unproven != nil {
		if err := c.readUnproven(table{name: name + "/unproven.tsv", text: src.unproven}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// readExtra adds the rows that are in no published table to the indexes of recognition.
func (c *Catalog) readExtra(t table) error {
	lines, err := t.read(errorColumns)
	if err != nil {
		return err
	}
	c.extra = make([]Row, 0, len(lines))
	for _, l := range lines {
		r, err := l.row(c.name)
		if err != nil {
			return err
		}
		known := c.byCode[r.CodeText()]
		switch {
		case c.byID[r.ID] != nil:
			return l.errorf("row %s occurs twice", r.ID)
		case !r.Recognise || r.Surface == SurfaceHTTP:
			return l.errorf("%s: an extra row is only recognised, and by its code", r.ID)
		case c.distinct && len(known) > 0:
			return l.errorf("%s: code %s belongs to %s already", r.ID, r.Code, known[0].ID)
		}
		c.extra = append(c.extra, r)
		p := &c.extra[len(c.extra)-1]
		c.byID[r.ID] = p
		c.byCode[p.CodeText()] = append(known, p)
		if !c.distinct {
			c.texts[p] = compile(p.Message)
		}
	}
	return nil
}

// readProof notes the tests that provoke rows.
func (c *Catalog) readProof(t table) error {
	lines, err := t.read([]string{"row", "test"})
	if err != nil {
		return err
	}
	for _, l := range lines {
		r := c.byID[l.get("row")]
		if r == nil || l.get("test") == "" {
			return l.errorf("no row %q, or no test", l.get("row"))
		}
		r.Proof = append(r.Proof, l.get("test"))
	}
	return nil
}

// readUnproven notes why rows have no test.
func (c *Catalog) readUnproven(t table) error {
	lines, err := t.read([]string{"row", "reason"})
	if err != nil {
		return err
	}
	for _, l := range lines {
		r := c.byID[l.get("row")]
		switch {
		case r == nil || l.get("reason") == "":
			return l.errorf("no row %q, or no reason", l.get("row"))
		case len(r.Proof) > 0 || r.Unproven != "":
			return l.errorf("row %s is proven, or explained twice", r.ID)
		}
		r.Unproven = l.get("reason")
	}
	return nil
}

// readRows fills the rows and their indexes.
func (c *Catalog) readRows(t table) error {
	lines, err := t.read(errorColumns)
	if err != nil {
		return err
	}
	c.rows = make([]Row, 0, len(lines))
	c.byID, c.byKey = make(map[string]*Row, len(lines)), make(map[key]*Row, len(lines))
	c.byCode = make(map[string][]*Row, len(lines))
	for _, l := range lines {
		r, err := l.row(c.name)
		if err != nil {
			return err
		}
		c.rows = append(c.rows, r)
		p := &c.rows[len(c.rows)-1] // capacity is fixed above: the address is stable
		k := key{r.Reason, r.Variant}
		switch {
		case c.byID[r.ID] != nil:
			return l.errorf("row %s occurs twice", r.ID)
		case c.byKey[k] != nil:
			return l.errorf("%s says the same as %s: %s %q", r.ID, c.byKey[k].ID, r.Reason, r.Variant)
		case r.Surface == SurfaceHTTP && c.byStatus[r.Status] != nil:
			return l.errorf("%s: status %d belongs to %s already", r.ID, r.Status, c.byStatus[r.Status].ID)
		}
		c.byID[r.ID], c.byKey[k] = p, p
		if r.Surface == SurfaceHTTP {
			c.byStatus[r.Status] = p
		} else {
			c.byCode[p.CodeText()] = append(c.byCode[p.CodeText()], p)
		}
		c.tagged = c.tagged || r.Surface == SurfaceSDK
	}
	c.distinct = true
	for _, same := range c.byCode {
		c.distinct = c.distinct && len(same) == 1
	}
	if !c.distinct {
		for i := range c.rows {
			if c.rows[i].Message != "" {
				c.texts[&c.rows[i]] = compile(c.rows[i].Message)
			}
		}
	}
	return nil
}

// readEmit fills the emissions and checks that every reason has one.
func (c *Catalog) readEmit(t table) error {
	lines, err := t.read(emitColumns)
	if err != nil {
		return err
	}
	for _, l := range lines {
		reason, ok := fault.Lookup(l.get("canonical"))
		if !ok {
			return l.errorf("unknown reason %q", l.get("canonical"))
		}
		if c.emit[reason] != nil {
			return l.errorf("%s has two emissions", reason)
		}
		e, err := c.emission(l, reason)
		if err != nil {
			return err
		}
		c.emit[reason] = e
	}
	for _, r := range fault.All() {
		if c.emit[r] == nil {
			return fmt.Errorf("%s: no emission for %s", t.name, r)
		}
	}
	return nil
}

// emission reads one line of the emit table.
func (c *Catalog) emission(l line, reason *fault.Reason) (*emission, error) {
	e := &emission{fit: Fit(l.get("fit")), note: l.get("note")}
	want := FitExact
	if id := l.get("row"); id != "" {
		r := c.byID[id]
		if r == nil {
			return nil, l.errorf("no row %q", id)
		}
		e.row = *r
		switch {
		case r.Reason != reason:
			want = FitFallback
		case r.Variant != "":
			want = FitVariant
		}
	} else if reason != fault.Success {
		return nil, l.errorf("%s names no row", reason)
	}
	if e.fit != want {
		return nil, l.errorf("%s: fit is %q, the row bears out %q", reason, e.fit, want)
	}
	if s := l.get("status"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 200 || n > 599 {
			return nil, l.errorf("status %q is not an HTTP status", s)
		}
		e.row.Status = n
	}
	if code := l.get("code"); code != "" {
		if !json.Valid([]byte(code)) {
			return nil, l.errorf("code %s is not a JSON literal", code)
		}
		e.row.Body = json.RawMessage(code)
	}
	if text := l.get("text"); text != "" {
		e.row.Message = text
	}
	return e, nil
}

// row reads one line of the errors table.
func (l line) row(catalog string) (Row, error) {
	r := Row{
		ID: l.get("id"), Catalog: catalog, Surface: Surface(l.get("surface")), Name: l.get("name"),
		Message: l.get("message"), Variant: l.get("variant"), Reach: Reach(l.get("reach")),
		Meaning: l.get("meaning"), Line: l.number,
		Recognise: l.get("direction") == "recognise",
	}
	var ok bool
	if r.Reason, ok = fault.Lookup(l.get("canonical")); !ok {
		return r, l.errorf("unknown reason %q", l.get("canonical"))
	}
	if s := l.get("status"); s != "-" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 200 || n > 599 {
			return r, l.errorf("status %q is not an HTTP status", s)
		}
		r.Status = n
	}
	r.Code = json.RawMessage(l.get("code"))
	r.Body = r.Code
	if b := l.get("body"); b != "" {
		r.Body = json.RawMessage(b)
	}
	switch {
	case r.ID == "":
		return r, l.errorf("row without an id")
	case !json.Valid(r.Code) || !json.Valid(r.Body):
		return r, l.errorf("%s: code %s is not a JSON literal", r.ID, r.Code)
	case !slices.Contains([]Surface{SurfaceREST, SurfaceHTTP, SurfaceSDK}, r.Surface):
		return r, l.errorf("%s: unknown surface %q", r.ID, r.Surface)
	case !slices.Contains([]Reach{ReachRequest, ReachConfig, ReachFault, ReachClient, ReachUpstream}, r.Reach):
		return r, l.errorf("%s: unknown reach %q", r.ID, r.Reach)
	case l.get("direction") != "both" && !r.Recognise:
		return r, l.errorf("%s: unknown direction %q", r.ID, l.get("direction"))
	case r.Meaning == "":
		return r, l.errorf("%s: no meaning", r.ID)
	}
	return r, nil
}

// table is one tab-separated file.
type table struct {
	name string
	text []byte
}

// line is one record with the place it was read from.
type line struct {
	file   string
	number int
	index  map[string]int
	cells  []string
}

// read splits the file and checks that every wanted column is there.
func (t table) read(want []string) ([]line, error) {
	text := string(t.text)
	head, rest, _ := strings.Cut(text, "\n")
	if text == "" {
		return nil, fmt.Errorf("%s: empty", t.name)
	}
	index := map[string]int{}
	for i, name := range strings.Split(strings.TrimRight(head, "\r"), "\t") {
		index[name] = i
	}
	for _, name := range want {
		if _, ok := index[name]; !ok {
			return nil, fmt.Errorf("%s:1: no column %q", t.name, name)
		}
	}
	lines := strings.Count(rest, "\n") + 1
	out := make([]line, 0, lines)
	cells := make([]string, 0, lines*len(index)) // one block for the whole table
	for raw := range strings.Lines(rest) {
		from := len(cells)
		for cell := range strings.SplitSeq(strings.TrimRight(raw, "\r\n"), "\t") {
			cells = append(cells, cell)
		}
		l := line{t.name, len(out) + 2, index, cells[from:]}
		if len(l.cells) != len(index) {
			return nil, l.errorf("%d cells, the header has %d", len(l.cells), len(index))
		}
		out = append(out, l)
	}
	return out, nil
}

// get returns a cell by column name; an absent optional column is empty.
func (l line) get(name string) string {
	if i, ok := l.index[name]; ok {
		return l.cells[i]
	}
	return ""
}

// errorf is a message with the place in the file in front.
func (l line) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", l.file, l.number, fmt.Sprintf(format, args...))
}

// MustParse is Parse for tables that are part of the program: a mistake in one is a mistake in
// the build, and every table is parsed by a test.
func MustParse(name string, errorsTSV, emitTSV []byte, opts ...Option) *Catalog {
	c, err := Parse(name, errorsTSV, emitTSV, opts...)
	if err != nil {
		panic("normalize: " + err.Error())
	}
	return c
}
