package normalize

import (
	"encoding/json"

	"dragoman/core/fault"
)

// Set joins the catalogues of several vendors, for translation between them.
type Set struct {
	vendors []Vendor
	byName  map[string]*Vendor
}

// NewSet makes a set; the order is kept for listings.
func NewSet(vendors ...Vendor) *Set {
	s := &Set{vendors: vendors, byName: make(map[string]*Vendor, len(vendors))}
	for i := range s.vendors {
		s.byName[s.vendors[i].Catalog.Name()] = &s.vendors[i]
	}
	return s
}

// Vendors returns the vendors in the order given to NewSet.
func (s *Set) Vendors() []Vendor { return append([]Vendor(nil), s.vendors...) }

// Vendor finds a vendor by the name of its catalogue, or by the provider's name where that has
// one catalogue with a wire of its own ("agora" means "agora-rest").
func (s *Set) Vendor(name string) (Vendor, bool) {
	if v, ok := s.byName[name]; ok {
		return *v, true
	}
	for _, v := range s.vendors {
		if v.Catalog.Provider() == name && v.Encode != nil {
			return v, true
		}
	}
	return Vendor{}, false
}

// Names lists the catalogues.
func (s *Set) Names() []string {
	names := make([]string, len(s.vendors))
	for i, v := range s.vendors {
		names[i] = v.Catalog.Name()
	}
	return names
}

// Translation is one vendor's error in another vendor's terms.
type Translation struct {
	Reason  *fault.Reason
	Variant string
	From    Row   // the row that was recognised; zero when Match is MatchNone
	Match   Match // by what it was recognised
	To      Row   // what the other vendor says
	Fit     Fit   // how well that says it
}

// Code is the original code with its JSON type.
func (t Translation) Code() json.RawMessage { return t.From.Code }

// Translate carries an answer from one catalogue to another. An answer that no row matches
// becomes upstream.unrecognised; ok is false only when a catalogue is not in the set.
func (s *Set) Translate(from string, a Answer, to string) (t Translation, ok bool) {
	src, ok := s.byName[from]
	if !ok {
		return t, false
	}
	dst, ok := s.byName[to]
	if !ok {
		return t, false
	}
	t.From, t.Match = src.Catalog.FromVendor(a)
	t.Reason, t.Variant = t.From.Reason, t.From.Variant
	if t.Match == MatchNone {
		t.Reason, t.Variant = fault.UpstreamUnrecognised, ""
	}
	t.To, t.Fit = dst.Catalog.ToVendor(t.Reason, t.Variant)
	return t, true
}
