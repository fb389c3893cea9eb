package codec

import (
	"errors"
	"reflect"
	"time"

	"dragoman/core/fault"
)

// Failure is a *fault.Error on its way. The texts of causes go along, for the proxy's log.
type Failure struct {
	Reason  string
	Code    string // class, for a reason the reader does not know
	Variant string
	Op      string
	Detail  string
	Fields  []FailedField
	Params  []fault.Param
	After   time.Duration
	Cause   string
}

// FailedField is a fault.Field.
type FailedField struct {
	Pointer, Detail, Reason string
}

// FailureOf writes any error.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	f := fault.From(err)
	out := &Failure{
		Reason: f.Reason.Name(), Code: string(f.Reason.Code()), Variant: f.Variant, Op: f.Op, Detail: f.Detail,
		Params: f.Params, After: f.RetryAfter,
	}
	for _, x := range f.Fields {
		o := FailedField{Pointer: x.Pointer, Detail: x.Detail}
		if x.Reason != nil {
			o.Reason = x.Reason.Name()
		}
		out.Fields = append(out.Fields, o)
	}
	if f.Err != nil {
		out.Cause = f.Err.Error()
	}
	return out
}

// stand names the reason that stands for a class, where a newer node names one we do not know.
var stand = map[fault.Code]*fault.Reason{
	fault.CodeCancelled:          fault.RequestCancelled,
	fault.CodeInvalidArgument:    fault.RequestInvalid,
	fault.CodeDeadlineExceeded:   fault.RequestTimeout,
	fault.CodeNotFound:           fault.ResourceNotFound,
	fault.CodeAlreadyExists:      fault.RequestConflict,
	fault.CodePermissionDenied:   fault.PermissionDenied,
	fault.CodeUnauthenticated:    fault.AuthFailed,
	fault.CodeResourceExhausted:  fault.RateLimited,
	fault.CodeFailedPrecondition: fault.RequestConflict,
	fault.CodeAborted:            fault.RequestConflict,
	fault.CodeUnimplemented:      fault.RequestNotImplemented,
	fault.CodeInternal:           fault.ServerInternal,
	fault.CodeUnavailable:        fault.ServerUnavailable,
}

// Fault is the error again. A reason that is not known here becomes one of its class.
func (f *Failure) Fault() *fault.Error {
	r, ok := fault.Lookup(f.Reason)
	if !ok {
		if r = stand[fault.Code(f.Code)]; r == nil {
			r = fault.ServerUnknown
		}
	}
	out := &fault.Error{Reason: r, Variant: f.Variant, Op: f.Op, Detail: f.Detail, Params: f.Params, RetryAfter: f.After}
	for _, x := range f.Fields {
		o := fault.Field{Pointer: x.Pointer, Detail: x.Detail}
		o.Reason, _ = fault.Lookup(x.Reason)
		out.Fields = append(out.Fields, o)
	}
	if f.Cause != "" {
		out.Err = errors.New(f.Cause)
	}
	return out
}

// encError writes an error that is a part of a value.
func encError(e *Encoder, v reflect.Value) {
	if v.IsNil() {
		e.text("null")
		return
	}
	f := FailureOf(v.Interface().(error)) //nolint:forcetypeassert // by its plan
	planOf(reflect.TypeFor[Failure]()).enc(e, reflect.ValueOf(f).Elem())
}

func decError(d *Decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	var f Failure
	if err := planOf(reflect.TypeFor[Failure]()).dec(d, reflect.ValueOf(&f).Elem()); err != nil {
		return err
	}
	v.Set(reflect.ValueOf(f.Fault()))
	return nil
}
