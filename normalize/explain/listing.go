// Package explain answers questions about errors: which there are, what one means, what other
// vendors call it. It is the one source of the command line, the reference page, the console and
// the translation API, so they cannot disagree. Everything is a pure function over a
// normalize.Set.
package explain

import (
	"encoding/json"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// Row is one vendor error as the listings show it. Code keeps its JSON type.
type Row struct {
	Row       string          `json:"row"`
	Code      json.RawMessage `json:"code"`
	Name      string          `json:"name"`
	Status    *int            `json:"http_status"` // null where the vendor has none
	Canonical string          `json:"canonical"`
	Variant   string          `json:"variant"`
	Surface   string          `json:"surface"`
	Message   string          `json:"message,omitempty"`
	Meaning   string          `json:"meaning"`
	Reach     string          `json:"reach"`
	State     string          `json:"state"`
}

// Canonical is one canonical error with what every vendor says for it.
type Canonical struct {
	Canonical string              `json:"canonical"`
	Class     string              `json:"class"`
	Status    int                 `json:"http_status"`
	Retryable string              `json:"retryable"`
	Hint      string              `json:"retry_hint"`
	Fault     string              `json:"fault"`
	Title     string              `json:"title"`
	Emit      map[string]Emission `json:"emit"`
}

// Emission is what one vendor says, and how well it fits.
type Emission struct {
	Row    string          `json:"row,omitempty"`
	Code   json.RawMessage `json:"code"`
	Status *int            `json:"http_status"`
	Fit    string          `json:"fit"`
}

// Listing is the whole table: every row of every catalogue, every canonical error.
type Listing struct {
	Catalogues map[string][]Row `json:"catalogues"`
	Canonical  []Canonical      `json:"canonical"`
}

// List makes the whole table of a set.
func List(s *normalize.Set) Listing {
	l := Listing{Catalogues: map[string][]Row{}}
	for _, v := range s.Vendors() {
		l.Catalogues[v.Catalog.Name()] = Rows(v.Catalog)
	}
	for _, r := range fault.All() {
		c := canonical(r)
		for _, v := range s.Vendors() {
			row, fit, _ := v.Catalog.Emission(r)
			c.Emit[v.Catalog.Name()] = emission(row, fit)
		}
		l.Canonical = append(l.Canonical, c)
	}
	return l
}

// Rows lists one catalogue.
func Rows(c *normalize.Catalog) []Row {
	rows := make([]Row, 0, c.Len())
	for r := range c.Rows() {
		rows = append(rows, row(r))
	}
	return rows
}

// row converts one row.
func row(r normalize.Row) Row {
	return Row{
		Row: r.ID, Code: raw(r.Code), Name: r.Name, Status: status(r.Status), Canonical: r.Reason.Name(),
		Variant: r.Variant, Surface: string(r.Surface), Message: r.Message, Meaning: r.Meaning,
		Reach: string(r.Reach), State: string(r.State()),
	}
}

// canonical converts one reason.
func canonical(r *fault.Reason) Canonical {
	return Canonical{
		Canonical: r.Name(), Class: string(r.Code()), Status: r.Status(), Retryable: string(r.Retry()),
		Hint: r.Hint(), Fault: string(r.Blame()), Title: r.Title(), Emit: map[string]Emission{},
	}
}

// emission converts what a vendor says.
func emission(r normalize.Row, fit normalize.Fit) Emission {
	return Emission{Row: r.ID, Code: raw(r.Body), Status: status(r.Status), Fit: string(fit)}
}

// raw is a code that is always valid JSON.
func raw(code json.RawMessage) json.RawMessage {
	if len(code) == 0 {
		return json.RawMessage("null")
	}
	return code
}

// status is a status that is null when there is none.
func status(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
