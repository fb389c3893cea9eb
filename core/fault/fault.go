// Package fault is the error vocabulary of Dragoman: 136 reasons, one error type.
// It is a leaf: it imports the standard library only, and every other package may import it.
package fault

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Reason is one canonical cause of failure. Reasons are compared by pointer; the set is fixed
// at compile time and its names are part of the public contract.
type Reason struct {
	name   string
	code   Code
	status int
	retry  Retry
	hint   string
	blame  Blame
	title  string
}

// Name returns the canonical name, such as "group.already_member".
func (r *Reason) Name() string { return r.name }

// Code returns the coarse class.
func (r *Reason) Code() Code { return r.code }

// Status returns the HTTP status of the unified envelope for this reason.
func (r *Reason) Status() int { return r.status }

// Retry tells whether repeating the request can help.
func (r *Reason) Retry() Retry { return r.retry }

// Hint names the step that makes a retry worthwhile: refresh_token, delay, fix_request, …
func (r *Reason) Hint() string { return r.hint }

// Blame names the party that has to act.
func (r *Reason) Blame() Blame { return r.blame }

// Title is the fixed human sentence of this reason.
func (r *Reason) Title() string { return r.title }

// String returns the canonical name.
func (r *Reason) String() string { return r.name }

// Error returns a new error of this reason. Detail is shown to the caller for 4xx reasons
// (identifiers of the caller's own request only, never internals) and may be empty.
func (r *Reason) Error(detail string) *Error { return &Error{Reason: r, Detail: detail} }

// Wrap returns an error of this reason caused by err. The cause reaches logs, never clients.
func (r *Reason) Wrap(err error) *Error { return &Error{Reason: r, Err: err} }

// Lookup finds a reason by its canonical name.
func Lookup(name string) (*Reason, bool) {
	r, ok := byName[name]
	return r, ok
}

// All returns every reason in the order of the taxonomy.
func All() []*Reason { return append([]*Reason(nil), all...) }

var (
	all    []*Reason
	byName = map[string]*Reason{}
)

func define(name string, code Code, status int, retry Retry, hint string, blame Blame, title string) *Reason {
	if _, dup := byName[name]; dup {
		panic("fault: reason defined twice: " + name)
	}
	r := &Reason{name: name, code: code, status: status, retry: retry, hint: hint, blame: blame, title: title}
	all = append(all, r)
	byName[name] = r
	return r
}

// Field points at one offending member of a request.
type Field struct {
	Pointer string  // JSON pointer into the request body, or "?name" for a query parameter
	Detail  string  // what is wrong with it, safe to show
	Reason  *Reason // request.missing_field, request.invalid_field, …; nil means the error's own reason
}

// Error is the only error type that crosses package borders.
type Error struct {
	Reason     *Reason
	Variant    string        // finer case within the reason, as used by the vendors' tables; usually empty
	Op         string        // core operation, such as "messages.send"; set by the layer that knows it
	Detail     string        // safe, specific sentence for 4xx; empty means the reason's title
	Fields     []Field       // field errors of a request
	Params     []Param       // values for the placeholders of a vendor's text
	RetryAfter time.Duration // zero means unknown
	Err        error         // cause, for logs only
}

// Param fills one {placeholder} of a vendor's text.
type Param struct{ Name, Value string }

// Error implements error. It is meant for logs: it includes the cause.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	b.WriteString(e.Reason.name)
	if e.Variant != "" {
		b.WriteString("/" + e.Variant)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an *Error of the same reason, so that
// errors.Is(err, fault.UserNotFound.Error("")) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Reason == e.Reason
}

// With returns a copy with the variant set.
func (e *Error) With(variant string) *Error {
	c := *e
	c.Variant = variant
	return &c
}

// Param returns a copy that names a value for the placeholder of a vendor's text.
func (e *Error) Param(name, value string) *Error {
	c := *e
	c.Params = append(c.Params[:len(c.Params):len(c.Params)], Param{name, value})
	return &c
}

// After returns a copy that asks the caller to wait d before retrying.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Cause returns a copy that carries err for the logs.
func (e *Error) Cause(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Message returns the sentence a client may see.
func (e *Error) Message() string {
	if e.Detail != "" && e.Reason.blame == BlameClient {
		return e.Detail
	}
	return e.Reason.title
}

// From turns any error into an *Error: itself if it is one, the deadline and cancellation
// reasons for context errors, server.internal for everything else. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return RequestTimeout.Wrap(err)
	case errors.Is(err, context.Canceled):
		return RequestCancelled.Wrap(err)
	}
	return ServerInternal.Wrap(err)
}

// IsReason reports whether err is, or wraps, an error of reason r.
func IsReason(err error, r *Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == r
}
