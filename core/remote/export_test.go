package remote

import (
	"reflect"

	"dragoman/core/remote/codec"
)

// Command is a command as the tests see it.
type Command struct {
	Name    string
	In, Out reflect.Type
}

// Commands lists the commands that travel as the others do.
func Commands() []Command {
	out := make([]Command, len(methods))
	for i, m := range methods {
		out[i] = Command{m.name, m.in, m.out}
	}
	return out
}

// LiveTypes are the types of the live link.
func LiveTypes() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[upFrame](), reflect.TypeFor[downFrame](), reflect.TypeFor[codec.Failure](), reflect.TypeFor[question](), reflect.TypeFor[line]()}
}

// Reads lists the commands that may be sent again.
func Reads() map[string]bool { return reads }

// Travel sends an error there and back.
func Travel(err error) error { return codec.FailureOf(err).Fault() }

// RenameReason makes an error of a reason that this version does not know.
func RenameReason(err error, name string) error {
	f := codec.FailureOf(err)
	f.Reason = name
	return f.Fault()
}
