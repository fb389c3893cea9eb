package shadow

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/normalize/diff"
	"dragoman/proxy"
)

// What becomes of calls that are not compared.
const (
	learnt   = "learnt"         // a write of the vendor's, whose answer taught the core something
	silent   = "nothing learnt" // a write of the vendor's whose answer says nothing that the core keeps
	declined = "refused"        // a write that the answering side refused: there is nothing to follow
	skipped  = "skipped"        // no place in the queue
	cut      = "too large"
	alone    = "not comparable"
	unasked  = "no answer"
	sent     = "sent"
	lost     = "lost"
)

// Limits of a book.
const (
	maxExamples = 3
	maxReasons  = 20
	maxOps      = 1000
)

// difference is diff.Difference, whose values are redacted.
type difference = diff.Difference

// book counts what became of the calls of one pair.
type book struct {
	now   func() time.Time
	mu    sync.Mutex
	since time.Time
	ops   map[string]*Operation
	fed   Fed
}

func newBook(now func() time.Time) *book {
	b := &book{now: now}
	b.reset()
	return b
}

// reset begins anew.
func (b *book) reset() {
	b.mu.Lock()
	b.since, b.ops, b.fed = b.now(), map[string]*Operation{}, Fed{Reasons: map[string]int{}}
	b.mu.Unlock()
}

// op is the row of an operation. The lock is held.
func (b *book) op(name string) *Operation {
	o := b.ops[name]
	if o == nil {
		if len(b.ops) >= maxOps {
			name = ""
		}
		if o = b.ops[name]; o == nil {
			o = &Operation{Name: name, Other: map[string]int{}}
			b.ops[name] = o
		}
	}
	return o
}

// note counts a call that is not compared.
func (b *book) note(op, what string) {
	b.mu.Lock()
	o := b.op(op)
	o.Calls++
	o.Other[what]++
	b.mu.Unlock()
}

// judged counts a comparison.
func (b *book) judged(x *proxy.Exchange, r *diff.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.op(x.Route)
	o.Calls++
	switch r.Verdict {
	case diff.Equal:
		o.Equal++
	case diff.Incomparable:
		o.Other[alone]++
	default:
		o.Different++
		if len(o.Examples) < maxExamples {
			o.Examples = append(o.Examples, Example{At: x.At, RequestID: x.Request.ID, Count: r.Count, Differences: r.Differences})
		}
	}
}

// learnt counts what the core took and what it could not.
func (b *book) learnt(out *core.Learnt, refused []core.Unlearnt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fed.New += out.New
	b.fed.Changed += out.Changed
	b.fed.Known += out.Known
	b.fed.Refused += len(refused)
	for _, u := range refused {
		if _, ok := b.fed.Reasons[u.Reason]; ok || len(b.fed.Reasons) < maxReasons {
			b.fed.Reasons[u.Reason]++
		}
	}
}

// unread counts parts that could not be read.
func (b *book) unread(n int) {
	b.mu.Lock()
	b.fed.Unread += n
	b.mu.Unlock()
}

// read copies the book.
func (b *book) read() Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := Report{Since: b.since, Fed: b.fed}
	r.Fed.Reasons = maps.Clone(b.fed.Reasons)
	for _, o := range b.ops {
		c := *o
		c.Other, c.Examples = maps.Clone(o.Other), slices.Clone(o.Examples)
		r.Operations = append(r.Operations, c)
	}
	slices.SortFunc(r.Operations, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	return r
}
