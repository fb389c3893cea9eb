package normalize

import (
	"iter"
	"strconv"

	"dragoman/core/fault"
)

// key is the pair that names exactly one row of a catalogue.
type key struct {
	reason  *fault.Reason
	variant string
}

// emission is what a vendor's server says for a canonical error that names no variant.
type emission struct {
	row  Row
	fit  Fit
	note string
}

// Catalog is one vendor's error table in both directions. It is immutable after Parse and safe
// for concurrent use.
type Catalog struct {
	name     string
	provider string
	version  string
	rows     []Row
	extra    []Row // recognised beyond the published table
	byID     map[string]*Row
	byKey    map[key]*Row
	emit     map[*fault.Reason]*emission
	byCode   map[string][]*Row
	byStatus map[int]*Row
	texts    map[*Row]pattern
	distinct bool // every code names one row, so neither status nor text is needed
	tagged   bool // the rows are client library numbers: they mean nothing without an SDK tag
}

// Name is the catalogue's name, such as "agora-rest".
func (c *Catalog) Name() string { return c.name }

// Provider is the vendor's name, such as "agora"; several catalogues may share one.
func (c *Catalog) Provider() string { return c.provider }

// Version is the name with the edition of the vendor's table, such as "stream@2026-11".
// Vendors change the meaning of codes over time, so every document says which edition was read.
func (c *Catalog) Version() string { return c.version }

// Len is the number of rows.
func (c *Catalog) Len() int { return len(c.rows) }

// Rows yields the rows in table order.
func (c *Catalog) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for i := range c.rows {
			if !yield(c.rows[i]) {
				return
			}
		}
	}
}

// Extra lists the errors that are recognised beyond the published table.
func (c *Catalog) Extra() []Row { return append([]Row(nil), c.extra...) }

// Row finds a row by its id.
func (c *Catalog) Row(id string) (Row, bool) {
	if r, ok := c.byID[id]; ok {
		return *r, true
	}
	return Row{}, false
}

// ByCode lists the rows of a code; more than one where the vendor reuses it.
func (c *Catalog) ByCode(code string) []Row {
	var out []Row
	for _, r := range c.byCode[code] {
		out = append(out, *r)
	}
	return out
}

// ToVendor finds the row that says reason and variant in this vendor's words. It never fails:
// the grade tells what is lost. The zero Row with a status stands for success where the vendor
// lists none.
func (c *Catalog) ToVendor(reason *fault.Reason, variant string) (Row, Fit) {
	e := c.emit[reason]
	if r, ok := c.byKey[key{reason, variant}]; ok {
		if e != nil && e.row.ID == r.ID {
			return e.row, FitExact // the emission may carry a status of its own
		}
		return *r, FitExact
	}
	if e == nil { // a nil or foreign reason: say the vendor's general failure
		e = c.emit[fault.ServerInternal]
	}
	if e.fit == FitExact && variant != "" {
		return e.row, FitVariant
	}
	return e.row, e.fit
}

// ToVendorError is ToVendor for an error of the core.
func (c *Catalog) ToVendorError(err *fault.Error) (Row, Fit) {
	return c.ToVendor(err.Reason, err.Variant)
}

// Say finds the row to write for a document. An error that came from a vendor is translated by
// meaning alone. An error of our own that names no variant is said as the emit table says, and
// never by a row that is only recognised.
func (c *Catalog) Say(p *Problem) (Row, Fit) {
	if r := c.byID[p.row]; r != nil && r.Reason == p.Reason && !r.Recognise {
		return *r, FitExact
	}
	reason, variant := p.Key()
	row, fit := c.ToVendor(reason, variant)
	if p.Origin == OriginUpstream || variant != "" && !row.Recognise {
		return row, fit
	}
	if e := c.emit[reason]; e != nil {
		return e.row, e.fit
	}
	return row, fit
}

// Emission tells what this vendor says for reason when no variant is known, with the note of the
// table. It backs the generated reference.
func (c *Catalog) Emission(reason *fault.Reason) (row Row, fit Fit, note string) {
	e := c.emit[reason]
	if e == nil {
		return Row{}, FitFallback, ""
	}
	return e.row, e.fit, e.note
}

// codeText strips the quotes of a JSON string and leaves every other literal as it is.
func codeText(raw []byte) string {
	if len(raw) > 1 && raw[0] == '"' {
		if s, err := strconv.Unquote(string(raw)); err == nil {
			return s
		}
		return string(raw[1 : len(raw)-1])
	}
	return string(raw)
}
