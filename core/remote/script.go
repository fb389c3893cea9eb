package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"sync"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/remote/codec"
)

// Some commands take code: what is to become of a stored value is decided within the transaction
// that reads it. The code stays with its caller. A node that comes to it looks into the script, the
// answers that came with the command; if the value it has is not among them, the transaction ends
// with nothing done and the caller is asked. It runs its code on a copy, and sends the command again
// with what that has changed. So the change holds only if the value is still the one it was made
// for, and as many rounds as it takes lead to the end; maxRounds bounds them.
//
// The values a command makes itself differ between two rounds in the moment they were made, so
// that times of the first round's own do not count when values are compared, and an answer says
// which fields have changed, not what they all are.

// maxRounds bounds how often a command starts anew because others changed the same value meanwhile,
// or because it has several pieces of code.
const maxRounds = 32

// errAsked ends a command that has a question. It is of a reason that no breaker counts.
var errAsked = fault.RequestConflict.Error("the caller is asked what to do")

// script is the server's side of one command.
type script struct {
	began time.Time
	lines []line

	mu    sync.Mutex
	asked *question
}

// slack is how much earlier than a round began a time may be that the round has made: the core cuts
// its times to milliseconds.
const slack = 2 * time.Millisecond

// code makes the stand-in for the caller's code with a number.
func (s *script) code(fn int, t reflect.Type) reflect.Value {
	return reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		out := make([]reflect.Value, t.NumOut())
		for i := range out {
			out[i] = reflect.Zero(t.Out(i))
		}
		if err := s.answer(fn, args, out); err != nil {
			out[len(out)-1] = reflect.ValueOf(err)
		}
		return out
	})
}

// answer plays what the script says to a call, or notes the question.
func (s *script) answer(fn int, args, out []reflect.Value) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.lines {
		l := &s.lines[i]
		if l.Fn == fn && l.Key == keyOf(args, l.From) {
			return l.play(args, out)
		}
	}
	if s.asked == nil {
		q := &question{Fn: fn, From: s.began, Key: keyOf(args, s.began)}
		for _, a := range args {
			q.Args = append(q.Args, written(a, time.Time{}))
		}
		s.asked = q
	}
	return errAsked
}

// question is what the command ended with, if it did.
func (s *script) question() *question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// written is an argument as bytes, a pointer as what it points at.
func written(v reflect.Value, recent time.Time) []byte {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	e := codec.Encoder{Recent: recent}
	e.AppendValue(v)
	return e.Bytes
}

// keyOf names arguments; times from then on are all the same.
func keyOf(args []reflect.Value, from time.Time) string {
	h := sha256.New()
	for _, a := range args {
		_, _ = h.Write(written(a, from)) // a hash takes everything
		_, _ = h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// play changes the arguments as the caller's code has.
func (l *line) play(args, out []reflect.Value) error {
	if len(l.Args) != len(args) || len(l.Results) != len(out)-1 {
		return fault.RequestInvalid.Error("an answer does not fit the code it is of")
	}
	for i := range args {
		c := &l.Args[i]
		if args[i].Kind() != reflect.Pointer {
			continue
		}
		to := args[i].Elem()
		if c.Whole != nil {
			if err := readInto(c.Whole, to); err != nil {
				return err
			}
		}
		for _, f := range c.Fields {
			if to.Kind() != reflect.Struct {
				return fault.RequestInvalid.Error("an answer does not fit the code it is of")
			}
			if x := to.FieldByName(f.Name); x.CanSet() {
				if err := readInto(f.To, x); err != nil {
					return err
				}
			}
		}
	}
	for i := range l.Results {
		v := reflect.New(out[i].Type()).Elem()
		if err := readInto(l.Results[i], v); err != nil {
			return err
		}
		out[i] = v
	}
	return nil
}

// readInto reads a value in place of another, which it may share parts with.
func readInto(in []byte, to reflect.Value) error {
	v := reflect.New(to.Type()).Elem()
	var d codec.Decoder
	if err := d.ReadValue(in, v); err != nil {
		return err
	}
	to.Set(v)
	return nil
}

// run is the caller's side: it calls the code a node asks about.
func (q *question) run(fns []reflect.Value) (line, error) {
	out := line{Fn: q.Fn, Key: q.Key, From: q.From}
	if q.Fn < 1 || q.Fn > len(fns) {
		return out, fault.UpstreamBadGateway.Error("a node asks for code that the command has not")
	}
	fn := fns[q.Fn-1]
	t := fn.Type()
	if t.NumIn() != len(q.Args) {
		return out, fault.UpstreamBadGateway.Error("a node asks for code with other arguments")
	}
	args := make([]reflect.Value, t.NumIn())
	for i := range args {
		args[i] = reflect.New(t.In(i)).Elem()
		if t.In(i).Kind() == reflect.Pointer {
			args[i].Set(reflect.New(t.In(i).Elem()))
		}
		into := args[i]
		if into.Kind() == reflect.Pointer {
			into = into.Elem()
		}
		if err := readInto(q.Args[i], into); err != nil {
			return out, fault.UpstreamBadGateway.Wrap(err)
		}
	}
	before := make([]snapshot, len(args))
	for i := range args {
		before[i] = snap(args[i])
	}
	results := fn.Call(args)
	if last := len(results) - 1; !results[last].IsNil() {
		return out, results[last].Interface().(error) //nolint:forcetypeassert // code ends with an error: see the test of the services
	}
	for i := range args {
		out.Args = append(out.Args, before[i].changes(args[i]))
	}
	for _, r := range results[:len(results)-1] {
		out.Results = append(out.Results, written(r, time.Time{}))
	}
	return out, nil
}

// snapshot is an argument as it was: its fields, or all of it.
type snapshot [][]byte

// snap takes down an argument.
func snap(v reflect.Value) snapshot {
	if v.Kind() != reflect.Pointer {
		return nil
	}
	if v = v.Elem(); v.Kind() != reflect.Struct {
		return snapshot{written(v, time.Time{})}
	}
	out := make(snapshot, v.NumField())
	for i := range out {
		if v.Type().Field(i).IsExported() {
			out[i] = written(v.Field(i).Addr(), time.Time{})
		}
	}
	return out
}

// changes tells what has become of the argument since.
func (s snapshot) changes(v reflect.Value) change {
	var c change
	if v.Kind() != reflect.Pointer {
		return c
	}
	now := snap(v)
	for i := range now {
		switch {
		case bytes.Equal(s[i], now[i]):
		case v.Elem().Kind() != reflect.Struct:
			c.Whole = now[i]
		default:
			c.Fields = append(c.Fields, changed{v.Elem().Type().Field(i).Name, now[i]})
		}
	}
	return c
}

// readMessage reads the message that code is called with.
func readMessage(in []byte, m *core.Message) error { return codec.Unmarshal(in, m) }
