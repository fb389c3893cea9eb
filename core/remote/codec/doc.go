// Package codec writes the values of the core as JSON and reads them back exactly: nil is not empty,
// a time keeps its nanoseconds and its offset, raw JSON keeps its bytes, text that is no UTF-8 stays
// what it is. The JSON tags of the types mean nothing here, since they leave things out on purpose.
//
// Structs are objects by field name without the fields that are zero; fields the reader does not know
// are skipped, so that nodes of neighbouring versions understand each other. Maps are lists of pairs,
// sorted. What cannot travel, code, is a number: see Encoder.Funcs.
package codec

import (
	"reflect"
	"sync"
)

// plan is how one type is written and read.
type plan struct {
	enc   func(*Encoder, reflect.Value)
	dec   func(*Decoder, reflect.Value) error
	zero  func(reflect.Value) bool // whether a field of this type may be left out
	funcs bool                     // code is in it somewhere
}

// plans are built once per type.
var plans = struct {
	done sync.Map // reflect.Type → *plan
	mu   sync.Mutex
}{}

// planOf finds or builds the plan of a type.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.done.Load(t); ok {
		return p.(*plan)
	}
	plans.mu.Lock()
	defer plans.mu.Unlock()
	b := builder{}
	p := b.plan(t)
	b.settle()
	for t, p := range b {
		plans.done.Store(t, p)
	}
	return p
}

// HasFuncs reports whether code is somewhere in values of the type.
func HasFuncs(t reflect.Type) bool { return planOf(t).funcs }
