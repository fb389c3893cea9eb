package nexconn

import (
	"dragoman/core/fault"
)

// family is a group of operations whose failures have numbers of their own.
type family uint8

// The families.
const (
	familyPlain family = iota
)

// variants are the finer cases in which a family tells a reason of the core that names none itself.
var variants = map[family]map[*fault.Reason]string{}

// say puts a failure into the words of the family. The vendor has one number for whatever is wrong
// with a field, 1002, where the core tells missing from wrong.
func (f family) say(err error) error {
	e := fault.From(err)
	if e.Variant != "" {
		return e
	}
	if v, ok := variants[f][e.Reason]; ok {
		return e.With(v)
	}
	switch e.Reason {
	case fault.RequestMissingField, fault.RequestInvalidField, fault.RequestMalformedJSON:
		c := *e
		c.Reason = fault.RequestInvalid
		return &c
	}
	return e
}

// unreadable is the failure of a body that is no JSON object.
func unreadable(err error) error {
	return fault.RequestInvalid.Error(fault.From(err).Message()).With("generic_1000")
}
